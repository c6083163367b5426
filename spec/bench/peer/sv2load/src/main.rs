//! Load generator for Stratum V2 pools: N connections with one standard channel each (REQUIRES_STANDARD_JOBS), with W valid
//! shares in flight per connection, or a share every so often. One JSON line on stdout; see ../README.md.

mod miner;
mod pace;
mod procs;
mod raw;
mod stats;
mod tips;
mod wire;
mod work;

use procs::{machine_busy, proc_of};
use stats::{Shared, Stats};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};
use wire::{authority, err, Res};

fn quantile(sorted: &[u32], q: f64) -> f64 {
    if sorted.is_empty() {
        return f64::NAN;
    }
    sorted[((sorted.len() - 1) as f64 * q).round() as usize] as f64
}
fn num(v: f64) -> String {
    if v.is_finite() {
        format!("{v:.3}")
    } else {
        "null".into()
    }
}

fn main() {
    let mut opt: HashMap<String, String> = HashMap::new();
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        opt.insert(
            name.trim_start_matches("--").to_string(),
            args.next().unwrap_or_default(),
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let local = tokio::task::LocalSet::new();
    if let Err(e) = runtime.block_on(local.run_until(run(opt))) {
        println!("{{\"error\":{e:?}}}");
        std::process::exit(1);
    }
    std::process::exit(0); // without closing the connections one by one
}

async fn run(opt: HashMap<String, String>) -> Res<()> {
    let get = |name: &str, default: &str| opt.get(name).cloned().unwrap_or_else(|| default.to_string());
    let n: usize = get("n", "1").parse().map_err(err("--n"))?;
    let w: usize = get("w", "1").parse().map_err(err("--w"))?;
    let secs: f64 = get("secs", "15").parse().map_err(err("--secs"))?;
    let warm: f64 = get("warm", "4").parse().map_err(err("--warm"))?;
    let events: f64 = get("events-secs", "0").parse().map_err(err("--events-secs"))?;
    let burst: usize = get("burst", "256").parse().map_err(err("--burst"))?;
    let pid = get("pid", "0");
    let address = get("pool", "127.0.0.1:34254");
    let shared = Rc::new(Shared {
        stats: Stats::default(),
        start: Notify::new(),
        port: address.rsplit(':').next().unwrap().parse().map_err(err("port"))?,
        address,
        key: if opt.contains_key("request") {
            [0; 32]
        } else {
            authority(&get("key", ""))?
        },
        window: w,
        hash_rate: get("hash-rate", "1000").parse().map_err(err("--hash-rate"))?,
        slack: get("slack", "1").parse().map_err(err("--slack"))?, // 2: every other share is wrong
        every: {
            let rate: f64 = get("rate", "0").parse().map_err(err("--rate"))?;
            if rate > 0.0 {
                n as f64 / rate
            } else {
                0.0
            }
        },
        burst: Semaphore::new(burst),
        returning: Cell::new(false),
    });
    let s = &shared.stats;
    let mut out: Vec<(String, String)> = Vec::new();
    let mut put = |k: &str, v: String| out.push((format!("{k:?}"), v));
    put("name", format!("{:?}", get("name", "")));
    put("n", n.to_string());
    put("w", w.to_string());
    put("rate", get("rate", "0"));

    // --- the burst
    let tips = Rc::new(RefCell::new(Vec::new()));
    let templates = Rc::new(RefCell::new(Vec::new()));
    let p0 = proc_of(&pid);
    let me0 = proc_of("self");
    let main_thread = format!("{pid}/task/{pid}");
    let t0 = proc_of(&main_thread);
    // bytes of a request and of its answer, where nobody speaks a protocol
    let lengths = match (opt.get("request"), opt.get("answer")) {
        (Some(request), Some(answer)) => Some(raw::Lengths {
            request: request.parse().map_err(err("--request"))?,
            answer: answer.parse().map_err(err("--answer"))?,
        }),
        _ => None,
    };
    for index in 0..n {
        match lengths {
            Some(lengths) => tokio::task::spawn_local(raw::raw(shared.clone(), index, lengths)),
            None => tokio::task::spawn_local(miner::miner(shared.clone(), index)),
        };
    }
    let limit = Instant::now()
        + Duration::from_secs_f64(get("open-limit", "120").parse().map_err(err("--open-limit"))?);
    while s.with_job.get() + s.dead.get() < n && Instant::now() < limit {
        let _ = tokio::time::timeout(Duration::from_millis(500), s.changed.notified()).await;
    }
    let p1 = proc_of(&pid);
    let burst_s = (p1.at - p0.at).as_secs_f64();
    put("opened", s.opened.get().to_string());
    put("with_job", s.with_job.get().to_string());
    put("burst_s", num(burst_s));
    put("opens_per_s", num(s.with_job.get() as f64 / burst_s));
    let mut opening = s.open_latencies.borrow().clone();
    opening.sort_unstable();
    put("open_p50_ms", num(quantile(&opening, 0.5) / 1e3));
    put("open_p99_ms", num(quantile(&opening, 0.99) / 1e3));
    put("open_cpu_us", num(p1.cpu_since(&p0) * 1e6 / n as f64));
    put(
        "open_main_thread_us",
        num(proc_of(&main_thread).cpu_since(&t0) * 1e6 / n as f64),
    );
    put("rss0_mib", num(p0.rss_mib));
    put("rss_opened_mib", num(p1.rss_mib));
    put(
        "client_open_cpu_us",
        num(proc_of("self").cpu_since(&me0) * 1e6 / n as f64),
    );
    put("target_top64", format!("\"{:016x}\"", s.target_top.get()));
    tokio::time::sleep(Duration::from_millis(
        get("pause", "500").parse().map_err(err("--pause"))?,
    ))
    .await;

    // --- a restart, which whoever reads our output sees to
    let patience: f64 = get("return-secs", "0").parse().map_err(err("--return-secs"))?;
    if patience > 0.0 {
        s.with_job.set(0);
        shared.returning.set(true);
        println!("ready");
        let limit = Instant::now() + Duration::from_secs_f64(patience);
        while s.with_job.get() < n && Instant::now() < limit {
            let _ = tokio::time::timeout(Duration::from_millis(500), s.changed.notified()).await;
        }
        shared.returning.set(false);
        put("returned", s.with_job.get().to_string());
        let took = s
            .there_again
            .get()
            .map_or(f64::NAN, |at| at.elapsed().as_secs_f64());
        put("return_s", num(took));
    }

    // --- shares
    if secs > 0.0 && w > 0 {
        s.running.set(true);
        shared.start.notify_waiters();
        tokio::time::sleep(Duration::from_secs_f64(warm)).await;
        let b0 = machine_busy();
        let (a0, r0, q0, m0) = (s.acked.get(), s.rejected.get(), proc_of(&pid), proc_of("self"));
        s.measuring.set(true);
        tokio::time::sleep(Duration::from_secs_f64(secs)).await;
        s.measuring.set(false);
        let (a1, r1, q1, m1) = (s.acked.get(), s.rejected.get(), proc_of(&pid), proc_of("self"));
        let b1 = machine_busy();
        s.running.set(false);
        let took = (q1.at - q0.at).as_secs_f64();
        let done = (a1 - a0 + r1 - r0) as f64;
        let cpu = q1.cpu_since(&q0);
        let mut l = s.latencies.borrow().clone();
        l.sort_unstable();
        put("shares_per_s", num(done / took));
        put("rejected", (r1 - r0).to_string());
        put("cpu_us_per_share", num(cpu * 1e6 / done));
        put("sys_us_per_share", num((q1.sys - q0.sys) * 1e6 / done));
        put("cpu_cores", num(cpu / took));
        put("client_cpu_us_per_share", num(m1.cpu_since(&m0) * 1e6 / done));
        put("client_cpu_cores", num(m1.cpu_since(&m0) / took));
        put("other_cores", num((b1 - b0 - cpu - m1.cpu_since(&m0)) / took));
        put("rtt_p50_us", num(quantile(&l, 0.5) / 10.0));
        put("rtt_p99_us", num(quantile(&l, 0.99) / 10.0));
        put("rtt_max_us", num(quantile(&l, 1.0) / 10.0));
        put("rss_end_mib", num(q1.rss_mib));
        put("shares_total", s.acked.get().to_string());
        put(
            "hashes_per_share",
            num(s.tried.get() as f64 / s.sent.get() as f64),
        );
    }

    // --- tips
    if events > 0.0 {
        let tp = get("tp", "");
        let watching = tokio::task::spawn_local(tips::watch_tips(
            tp,
            authority(&get("tp-key", ""))?,
            tips.clone(),
            templates.clone(),
        ));
        tokio::time::sleep(Duration::from_millis(300)).await;
        s.tips.borrow_mut().clear();
        tips.borrow_mut().clear();
        let q0 = proc_of(&pid);
        tokio::time::sleep(Duration::from_secs_f64(events)).await;
        let q1 = proc_of(&pid);
        if watching.is_finished() {
            return Err(format!("the template provider: {:?}", watching.await));
        }
        let arrivals = s.tips.borrow();
        let mut first = Vec::new();
        let mut last = Vec::new();
        let mut spread = Vec::new();
        let mut incomplete = 0;
        for (hash, t0) in tips.borrow().iter() {
            match arrivals.get(hash) {
                Some(times) if times.len() == n => {
                    let (min, max) = (times.iter().min().unwrap(), times.iter().max().unwrap());
                    // the pool may hear of it before we do
                    let since = |t: &Instant| t.saturating_duration_since(*t0).as_micros() as u32;
                    first.push(since(min));
                    last.push(since(max));
                    spread.push((*max - *min).as_micros() as u32);
                }
                _ => incomplete += 1,
            }
        }
        for v in [&mut first, &mut last, &mut spread] {
            v.sort_unstable();
        }
        put("tips", last.len().to_string());
        put("tips_incomplete", incomplete.to_string());
        put("tip_first_ms", num(quantile(&first, 0.5) / 1e3));
        put("tip_last_ms", num(quantile(&last, 0.5) / 1e3));
        put("tip_last_max_ms", num(quantile(&last, 1.0) / 1e3));
        put("tip_spread_ms", num(quantile(&spread, 0.5) / 1e3));
        put(
            "tip_cpu_us_per_channel",
            num(q1.cpu_since(&q0) * 1e6 / (tips.borrow().len().max(1) * n) as f64),
        );
        put("new_jobs", s.new_jobs.get().to_string());
    }
    put("set_targets", s.targets.get().to_string());
    put("new_tips", s.new_tips.get().to_string());
    put("dead", s.dead.get().to_string());
    let reasons: Vec<String> = s
        .reasons
        .borrow()
        .iter()
        .map(|(k, v)| format!("{k:?}:{v}"))
        .collect();
    put("reasons", format!("{{{}}}", reasons.join(",")));
    let all: Vec<String> = out.iter().map(|(k, v)| format!("{k}:{v}")).collect();
    println!("{{{}}}", all.join(","));
    Ok(())
}
