//! Stream fan-out: one event at a time to many connections, then in bursts; and what a connection costs.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::floors::send::{Sample, Sender};
use crate::number;
use crate::readers::{Plan, Read, Readers, Turns};
use crate::report::{Check, Row, Target};
use crate::rows::{Run, recorded};
use crate::server::Server;

/// Events in one burst.
const BURST: u64 = 50;
/// Streams that are being opened at once.
const OPENING: usize = 256;
/// What an event that has been received by all is followed by nothing for: a repeated one would come in it.
const QUIET: Duration = Duration::from_millis(100);

/// How many streams, and how often each is sent to.
struct FanOut {
    name: &'static str,
    streams: usize,
    /// Events that are sent one by one, each when every stream has the one before.
    singles: u64,
    bursts: u64,
}

pub(crate) fn thousand(run: &Run) -> Result<Row, Failure> {
    let (singles, bursts) = (run.size(150, 2_000), run.size(5, 40));
    measure(run, &FanOut { name: "streams_1000", streams: 1_000, singles, bursts }).map(|(row, _)| row)
}

pub(crate) fn ten_thousand(run: &Run) -> Result<Row, Failure> {
    let (singles, bursts) = (run.size(20, 200), run.size(2, 10));
    let (mut row, opened) =
        measure(run, &FanOut { name: "streams_10000", streams: 10_000, singles, bursts })?;
    let kib = opened.bytes_per_stream / 1024.0;
    row.check(Check::of("KiB of memory an idle stream", kib, Target::AtMost(12.0)));
    row.check(Check::of("streams accepted/s", opened.per_second, Target::AtLeast(5_000.0)));
    Ok(row)
}

struct Opened {
    bytes_per_stream: f64,
    per_second: f64,
}

/// What came of sending one by one.
struct Rounds {
    frames_per_s: f64,
    cpu_us_per_frame: f64,
    round_ms: f64,
    read: Read,
}

fn measure(run: &Run, fan_out: &FanOut) -> Result<(Row, Opened), Failure> {
    let FanOut { name, streams, singles, bursts } = *fan_out;
    let events = singles + bursts * BURST;
    let server = run.place.server()?;
    let sample = sample(&server)?;
    let memory_before = server.resident_bytes()?;
    let opening = Instant::now();
    let turns = Turns::new(events);
    let readers = Readers::open(Plan {
        address: server.address,
        request: server.stream(""),
        streams,
        opening: OPENING,
        first: 0,
        turns: turns.clone(),
    })?;
    readers.wait_until_open()?;
    let opened = Opened {
        per_second: streams as f64 / opening.elapsed().as_secs_f64(),
        bytes_per_stream: (server.resident_bytes()? - memory_before) / streams as f64,
    };

    let mut client = server.client()?;
    let mut publish = server.publish(number::single());
    let (seconds, cpu) = in_rounds(
        &readers,
        &turns,
        singles,
        || server.cpu_seconds(),
        |number| {
            publish.set_numbers(number);
            created(client.send(publish.bytes())?)
        },
    )?;
    let burst_per_s = in_bursts(&server, &readers, singles, bursts)? * streams as f64;
    std::thread::sleep(QUIET);
    let read = readers.finish()?;
    if read.frames != events * streams as u64 {
        return Err(format!("{} frames came of {}", read.frames, events * streams as u64).into());
    }
    recorded::events(server.kill()?.path(), events)?;

    let frames = (singles * streams as u64) as f64;
    let served = Rounds {
        frames_per_s: frames / seconds,
        cpu_us_per_frame: cpu * 1e6 / frames,
        round_ms: seconds * 1000.0 / singles as f64,
        read,
    };
    let floor = floor(&sample, streams, singles)?;
    Ok((row(name, streams, &served, burst_per_s, &opened, &floor), opened))
}

fn row(
    name: &'static str,
    streams: usize,
    served: &Rounds,
    burst_per_s: f64,
    opened: &Opened,
    floor: &Rounds,
) -> Row {
    let mut row = Row::new(name);
    row.figure("streams", streams as f64);
    row.figure("frames_per_s", served.frames_per_s);
    row.figure("server_cpu_us_per_frame", served.cpu_us_per_frame);
    row.figure("server_cpu_s_per_million_frames", served.cpu_us_per_frame);
    row.figure("event_to_stream_p50_ms", served.read.ms(0.5));
    row.figure("event_to_stream_p99_ms", served.read.ms(0.99));
    row.figure("event_to_all_mean_ms", served.round_ms);
    row.figure("burst_frames_per_s", burst_per_s);
    row.figure("opened_per_s", opened.per_second);
    row.figure("memory_bytes_per_stream", opened.bytes_per_stream);
    row.figure("send_frames_per_s", floor.frames_per_s);
    row.figure("send_cpu_us_per_frame", floor.cpu_us_per_frame);
    row.figure("send_round_ms", floor.round_ms);
    row.figure("send_p99_ms", floor.read.ms(0.99));
    row.check(Check::ratio(
        "frames/s, one event at a time",
        served.frames_per_s,
        ("send", floor.frames_per_s),
        Target::AtLeast(0.8),
    ));
    row.check(Check::of("server CPU µs a frame", served.cpu_us_per_frame, Target::AtMost(7.0)));
    row.check(Check::ratio(
        "p99 ms over all connections",
        served.read.ms(0.99),
        ("send round", floor.round_ms),
        Target::AtMost(2.0),
    ));
    row.check(Check::ratio(
        "frames/s in bursts of 50",
        burst_per_s,
        ("one at a time", served.frames_per_s),
        Target::AtLeast(5.0),
    ));
    row
}

/// Sends events one by one, each when every stream has the one before. Answers the seconds, and the CPU seconds of who sent.
fn in_rounds(
    readers: &Readers,
    turns: &Turns,
    rounds: u64,
    cpu: impl Fn() -> Result<f64, Failure>,
    mut send: impl FnMut(u64) -> Result<(), Failure>,
) -> Result<(f64, f64), Failure> {
    let (cpu_before, began) = (cpu()?, Instant::now());
    for number in 0..rounds {
        turns.set(number, Instant::now());
        send(number)?;
        readers.wait_for(number)?;
    }
    Ok((began.elapsed().as_secs_f64(), cpu()? - cpu_before))
}

/// Events a second, each burst sent when every stream has the one before.
fn in_bursts(server: &Server, readers: &Readers, first: u64, bursts: u64) -> Result<f64, Failure> {
    let mut client = server.client()?;
    let mut publish = server.publish(&number::batch(BURST as usize));
    let began = Instant::now();
    for burst in 0..bursts {
        publish.set_numbers(first + burst * BURST);
        created(client.send(publish.bytes())?)?;
        readers.wait_for(first + (burst + 1) * BURST - 1)?;
    }
    Ok((bursts * BURST) as f64 / began.elapsed().as_secs_f64())
}

/// The same rounds without a server.
fn floor(sample: &Sample, streams: usize, rounds: u64) -> Result<Rounds, Failure> {
    let mut sender = Sender::start(sample, streams)?;
    let turns = Turns::new(rounds);
    let readers = Readers::open(Plan {
        address: sender.address,
        request: b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        streams,
        opening: OPENING,
        first: 0,
        turns: turns.clone(),
    })?;
    readers.wait_until_open()?;
    let pid = sender.pid();
    let cpu = || crate::process::cpu_seconds(pid);
    let (seconds, cpu) = in_rounds(&readers, &turns, rounds, cpu, |number| sender.round(number))?;
    let frames = (rounds * streams as u64) as f64;
    Ok(Rounds {
        frames_per_s: frames / seconds,
        cpu_us_per_frame: cpu * 1e6 / frames,
        round_ms: seconds * 1000.0 / rounds as f64,
        read: readers.finish()?,
    })
}

/// That a publish was taken.
pub(crate) fn created((status, answer): (u16, &[u8])) -> Result<(), Failure> {
    if status == 201 {
        return Ok(());
    }
    Err(format!("a publish was answered {status}: {}", String::from_utf8_lossy(answer)).into())
}

/// What a stream of another team says first, and how an event is written to it: the bytes of the floor.
fn sample(server: &Server) -> Result<Sample, Failure> {
    let team = server.make_team("floor")?;
    let mut stream = TcpStream::connect(server.address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(&server.stream_of(&team, ""))?;
    let opening = read_block(&mut stream, b"cstar.ready")?;
    created(server.client()?.send(server.publish_to(&team, number::single()).bytes())?)?;
    Ok(Sample { opening, frame: read_block(&mut stream, b"ticket.created")? })
}

/// Reads until a block with this word in it has ended.
fn read_block(stream: &mut TcpStream, word: &[u8]) -> Result<Vec<u8>, Failure> {
    let (mut block, mut read) = (Vec::new(), [0; 4096]);
    let ends = |block: &[u8]| block.ends_with(b"\n\n") || block.ends_with(b"\n\n\r\n");
    while memchr::memmem::find(&block, word).is_none() || !ends(&block) {
        match stream.read(&mut read)? {
            0 => return Err("the server ended a stream".into()),
            came => block.extend_from_slice(&read[..came]),
        }
    }
    Ok(block)
}
