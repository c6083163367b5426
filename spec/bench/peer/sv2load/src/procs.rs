//! Processor time and memory of processes, from /proc.

use std::time::Instant;

#[derive(Clone, Copy)]
pub struct Proc {
    pub user: f64,
    pub sys: f64,
    pub rss_mib: f64,
    pub at: Instant,
}

/// Of a process, or of `PID/task/THREAD`.
pub fn proc_of(pid: &str) -> Proc {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let tick = |i: usize| {
        fields
            .get(i)
            .and_then(|f| f.parse::<f64>().ok())
            .unwrap_or(f64::NAN)
            / 100.0
    };
    Proc {
        user: tick(11),
        sys: tick(12),
        rss_mib: tick(21) * 100.0 * 4096.0 / 1048576.0,
        at: Instant::now(),
    }
}

/// Seconds that all cores were busy or stolen.
pub fn machine_busy() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let f: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or("")
        .split_whitespace()
        .skip(1)
        .filter_map(|v| v.parse().ok())
        .collect();
    (f.iter().take(8).sum::<f64>() - f[3] - f[4]) / 100.0
}

impl Proc {
    pub fn cpu_since(&self, earlier: &Proc) -> f64 {
        self.user + self.sys - earlier.user - earlier.sys
    }
}
