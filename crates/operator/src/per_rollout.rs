//! One value per rollout, shared between tasks: what this process remembers of each of them.
//! Nothing durable; a value goes with its rollout.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use crate::name::Name;

/// Values by the name of their rollout. Clones share them.
#[derive(Debug)]
pub struct PerRollout<T>(Arc<Mutex<HashMap<Name, T>>>);

impl<T> PerRollout<T> {
    /// The value of this rollout, if there is one.
    pub(crate) fn get(&self, name: &Name) -> Option<T>
    where
        T: Clone,
    {
        self.0.lock().get(name).cloned()
    }

    /// Sets the value of this rollout.
    pub(crate) fn insert(&self, name: &Name, value: T) {
        self.0.lock().insert(name.clone(), value);
    }

    /// Looks into, or changes, the value of this rollout; a default one is made first.
    pub(crate) fn with<R>(&self, name: &Name, look: impl FnOnce(&mut T) -> R) -> R
    where
        T: Default,
    {
        look(self.0.lock().entry(name.clone()).or_default())
    }

    /// Drops the value of a rollout that is gone.
    pub(crate) fn forget(&self, name: &Name) {
        self.0.lock().remove(name);
    }

    #[cfg(test)]
    pub(crate) fn knows(&self, name: &Name) -> bool {
        self.0.lock().contains_key(name)
    }

    /// All values, for what concerns more than one. Locked until the answer is dropped.
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<Name, T>> {
        self.0.lock()
    }
}

impl<T> Clone for PerRollout<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for PerRollout<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
