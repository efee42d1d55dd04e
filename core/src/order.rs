//! The order in which things happened, fixed once so that the order of arrival cannot matter.

use crate::id::DeviceId;
use serde::{Deserialize, Serialize};

/// Compared by time, then device, then the device's own sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderKey {
    /// Microseconds since 1970, moved up past what the device already knew.
    pub ts: i64,
    pub device: DeviceId,
    pub seq: u64,
}
