//! What all connections count together.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};

#[derive(Default)]
pub struct Stats {
    pub opened: Cell<usize>,
    pub with_job: Cell<usize>,
    pub acked: Cell<u64>,
    pub rejected: Cell<u64>,
    pub sent: Cell<u64>,
    pub tried: Cell<u64>,
    pub targets: Cell<u64>,
    pub new_jobs: Cell<u64>,
    pub new_tips: Cell<u64>,
    pub dead: Cell<usize>,
    pub measuring: Cell<bool>,
    pub running: Cell<bool>,
    pub latencies: RefCell<Vec<u32>>,
    pub open_latencies: RefCell<Vec<u32>>,
    pub reasons: RefCell<HashMap<String, u64>>,
    /// arrival of the tips, by prevhash
    pub tips: RefCell<HashMap<[u8; 32], Vec<Instant>>>,
    pub jobs: RefCell<Vec<Instant>>,
    pub target_top: Cell<u64>,
    /// When the first of those who return found the pool there again
    pub there_again: Cell<Option<Instant>>,
    pub changed: Notify,
}

impl Stats {
    /// Takes note of how long a share was under way, in tenths of a microsecond, while that is measured.
    pub fn answered(&self, after: Duration) {
        if self.measuring.get() {
            self.latencies
                .borrow_mut()
                .push(after.as_nanos().min(u32::MAX as u128) as u32 / 100);
        }
    }
}

pub fn add<T: Copy + std::ops::Add<Output = T>>(c: &Cell<T>, n: T) {
    c.set(c.get() + n);
}

pub struct Shared {
    pub stats: Stats,
    pub start: Notify,
    pub address: String,
    pub port: u16,
    pub key: [u8; 32],
    pub window: usize,
    pub hash_rate: f32,
    pub slack: u64,
    /// Seconds between two shares of a connection; 0: closed loop
    pub every: f64,
    pub burst: Semaphore,
    /// Whether a miner that loses the pool dials again.
    pub returning: Cell<bool>,
}
