//! The bill of materials in the form of `CycloneDX` 1.5, of an inventory.
//! No time and no random number: one image has one bill.

use serde_json::{Value, json};

use crate::entries::sha256;
use crate::inventory::{CrateId, Inventory};
use crate::machine::Package;

/// The bill of a program, and of the image with this digest.
#[must_use]
pub fn cyclonedx(inventory: &Inventory, program: &[u8], digest: &str) -> String {
    let (name, version) = &inventory.program;
    let crates = inventory.crates.iter().filter(|it| *it.0 != inventory.program);
    let mut components: Vec<Value> = crates
        .map(|(id, linked)| {
            let mut component = component("library", &id.0, &linked.license);
            component["version"] = json!(id.1);
            component["bom-ref"] = json!(reference(inventory, id));
            if let Some(sum) = &linked.checksum {
                component["purl"] = json!(purl(id));
                component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
            }
            component
        })
        .collect();
    components.extend(inventory.libraries.iter().map(|library| {
        let built_in = &library.built_in;
        let mut component = component("library", built_in.name, built_in.license);
        component["bom-ref"] = json!(native_reference(&library.by, built_in.name));
        if let Some(version) = built_in.version.from_crate(&library.by.1) {
            component["version"] = json!(version);
        }
        component["description"] = json!(format!("compiled into the program by {}", library.by.0));
        component
    }));
    components.extend(inventory.packages.iter().map(|(package, licenses)| {
        let licenses: Vec<_> = licenses.iter().copied().collect();
        let mut component = component("library", &package.name, &licenses.join(" AND "));
        component["version"] = json!(package.version);
        component["purl"] = json!(package_purl(inventory, package));
        component["bom-ref"] = component["purl"].clone();
        component
    }));
    let mut own = component("application", name, &inventory.crates[&inventory.program].license);
    own["version"] = json!(version);
    own["bom-ref"] = json!(reference(inventory, &inventory.program));
    own["hashes"] = json!([{ "alg": "SHA-256", "content": sha256(program) }]);
    let image = json!({ "name": "oci:image:digest", "value": format!("sha256:{digest}") });
    let mut bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": own, "properties": [image] },
        "components": components,
        "dependencies": dependencies(inventory),
    });
    bill.sort_all_objects();
    format!("{bill:#}\n")
}

fn component(kind: &str, name: &str, license: &str) -> Value {
    let license = if license == "public domain" {
        json!({ "license": { "name": license } })
    } else {
        json!({ "expression": license })
    };
    json!({ "type": kind, "name": name, "licenses": [license] })
}

fn dependencies(inventory: &Inventory) -> Vec<Value> {
    let crates = inventory.crates.iter().map(|(id, linked)| {
        let mut needs: Vec<_> = linked.needs.iter().map(|it| reference(inventory, it)).collect();
        let own = inventory.libraries.iter().filter(|it| it.by == *id);
        needs.extend(own.map(|it| native_reference(id, it.built_in.name)));
        if *id == inventory.program {
            needs.extend(inventory.packages.keys().map(|it| package_purl(inventory, it)));
        }
        needs.sort();
        json!({ "ref": reference(inventory, id), "dependsOn": needs })
    });
    crates.collect()
}

fn reference(inventory: &Inventory, id: &CrateId) -> String {
    let published = inventory.crates.get(id).is_some_and(|it| it.checksum.is_some());
    if published { purl(id) } else { format!("{}@{}", id.0, id.1) }
}

fn native_reference(by: &CrateId, name: &str) -> String {
    format!("{}#{}", purl(by), encoded(name))
}

fn purl(id: &CrateId) -> String {
    format!("pkg:cargo/{}@{}", encoded(&id.0), encoded(&id.1))
}

fn package_purl(inventory: &Inventory, package: &Package) -> String {
    let (system, release) = &inventory.distribution;
    let (name, version) = (encoded(&package.name), encoded(&package.version));
    let architecture = &package.architecture;
    format!("pkg:deb/{system}/{name}@{version}?arch={architecture}&distro={system}-{release}")
}

/// Percent-encoding as package URLs want it.
fn encoded(text: &str) -> String {
    let kept = |it: &u8| it.is_ascii_alphanumeric() || b".-_~:".contains(it);
    text.bytes()
        .map(|it| if kept(&it) { char::from(it).to_string() } else { format!("%{it:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_in_a_version_is_encoded() {
        let id = ("rdkafka-sys".to_owned(), "4.10.0+2.12.1".to_owned());
        assert_eq!(purl(&id), "pkg:cargo/rdkafka-sys@4.10.0%2B2.12.1");
        assert_eq!(encoded("1:1.2.13.dfsg-1~deb12u1"), "1:1.2.13.dfsg-1~deb12u1");
    }
}
