//! The program, its process and its machine.

use config::Choice;

use super::Lines;
use crate::context::Context;

/// The version that clients adapt to.
const REDIS_VERSION: &str = "7.0.15";

pub(super) fn server(cx: &mut Context<'_>, lines: &mut Lines) {
    let (engine, process) = (cx.engine, cx.engine.host.process());
    let mode = match (cx.config.sentinel.is_on, cx.config.cluster.enabled) {
        (true, _) => "sentinel",
        (false, true) => "cluster",
        (false, false) => "standalone",
    };
    lines.put("redis_version", REDIS_VERSION);
    lines.put("redis_git_sha1", "00000000");
    lines.put("redis_git_dirty", 0);
    lines.put("redis_build_id", "0000000000000000");
    lines.put("redis_mode", mode);
    lines.put("os", &process.os);
    lines.put("arch_bits", usize::BITS);
    lines.put("monotonic_clock", "POSIX clock_gettime");
    lines.put("multiplexing_api", process.poller);
    lines.put("atomicvar_api", "c11-builtin");
    lines.put("gcc_version", "0.0.0");
    lines.put("process_id", process.id);
    lines.put("process_supervised", cx.config.process.supervised.word());
    lines.put("run_id", &engine.run_id);
    lines.put("tcp_port", process.tcp_port);
    let micros = engine.host.unix_micros();
    let uptime = (micros / 1000 - engine.started_ms).max(0) / 1000;
    lines.put("server_time_usec", micros);
    lines.put("uptime_in_seconds", uptime);
    lines.put("uptime_in_days", uptime / 86_400);
    lines.put("hz", cx.config.process.hz);
    lines.put("configured_hz", cx.config.process.hz);
    lines.put("lru_clock", (micros / 1_000_000) & 0xff_ffff);
    lines.put("executable", &process.executable);
    lines.put("config_file", &process.config_file);
    lines.put("io_threads_active", u8::from(process.io_threads > 1));
    if let Some(milliseconds) = engine.shutdown_waits_ms() {
        lines.put("shutdown_in_milliseconds", milliseconds);
    }
    lines.put("server_name", "ochre");
    lines.put("ochre_version", env!("CARGO_PKG_VERSION"));
}

pub(super) fn cpu(cx: &mut Context<'_>, lines: &mut Lines) {
    let cpu = cx.engine.host.cpu();
    let seconds = [
        ("sys", cpu.system),
        ("user", cpu.user),
        ("sys_children", cpu.children_system),
        ("user_children", cpu.children_user),
        ("sys_main_thread", cpu.main_thread_system),
        ("user_main_thread", cpu.main_thread_user),
    ];
    for (name, seconds) in seconds {
        lines.put(
            format_args!("used_cpu_{name}"),
            format_args!("{seconds:.6}"),
        );
    }
}

/// No module is ever loaded.
pub(super) fn modules(_: &mut Context<'_>, _: &mut Lines) {}
