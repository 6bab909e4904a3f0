//! The bed's own certificate authority, the broker's certificate and a client's, made by openssl.
//! They are for tests: valid for a year, and gone with the bed.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::aggregation::AGGREGATED;
use super::places::{HOST, Places};
use super::{daemon, shell};

/// Makes all of them, and the key that signs the tokens of service accounts.
pub(super) fn create(places: &Places) -> Result<()> {
    let folder = places.certs();
    fs::create_dir_all(&folder)?;
    let service_account = ["genrsa", "-out", "service-account.key", "2048"];
    shell::output(openssl(places).args(service_account))?;
    let authority = ["-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=Siskin test CA"];
    shell::output(request(places).args(authority))?;
    let names = format!("subjectAltName=IP:{HOST},IP:127.0.0.1,DNS:localhost");
    sign(places, "kafka", &["extendedKeyUsage=serverAuth,clientAuth", &names])?;
    sign(places, "client", &["extendedKeyUsage=clientAuth"])?;
    // As the API server, by whose word aggregated servers know who asks them.
    sign(places, "front-proxy", &["extendedKeyUsage=clientAuth"])?;
    let names = format!("{names},DNS:{AGGREGATED}");
    sign(places, "aggregated", &["extendedKeyUsage=serverAuth,clientAuth", &names])?;
    // Kafka reads key and certificate from one file.
    let pair = [fs::read(folder.join("kafka.key"))?, fs::read(folder.join("kafka.crt"))?];
    fs::write(folder.join("kafka.pem"), pair.concat()).context("writing Kafka's key store")
}

fn sign(places: &Places, name: &str, extensions: &[&str]) -> Result<()> {
    let mut command = request(places);
    command.args(["-CA", "ca.crt", "-CAkey", "ca.key"]);
    command.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.crt")]);
    command.args(["-subj", &format!("/CN=siskin-{name}")]);
    command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    for extension in extensions {
        command.args(["-addext", extension]);
    }
    shell::output(&mut command).map(drop)
}

fn request(places: &Places) -> Command {
    let mut command = openssl(places);
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    command.args(["req", "-x509", "-noenc", "-days", "365"]).args(curve);
    command
}

fn openssl(places: &Places) -> Command {
    let mut command = Command::new("openssl");
    daemon::mark(places, command.current_dir(places.certs()));
    command
}
