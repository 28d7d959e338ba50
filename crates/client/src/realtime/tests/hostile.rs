//! A server over TCP that does all that a network and a server can do to a stream.

use std::time::Duration;

use cstar_types::Cursor;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::log::{Given, Kept, at, heartbeat};
use crate::testing::{event, read_request};
use crate::transport::Transport;
use crate::{Client, Config, KeySource, RealtimeOptions, StreamEvent};

/// Longer than any run takes, so that a client that hangs fails.
const DEADLINE: Duration = Duration::from_secs(30);

/// A stream that is left silent costs two and a half of these in real time.
const HEARTBEAT_MS: u64 = 20;

/// What ends a chunked body.
const END: &[u8] = b"0\r\n\r\n";

/// What is done to one connection.
#[derive(Debug, Clone)]
struct Plan {
    /// So many events are no longer kept.
    expired: u64,
    /// The client is sent so many events again that it has seen.
    again: u64,
    /// Its bytes are written so many at a time.
    piece_bytes: usize,
    /// Where it happens, in bytes of the answer.
    place: usize,
    abuse: Abuse,
}

#[derive(Debug, Clone, Copy)]
enum Abuse {
    /// A packet that says so ends the connection, and what was on its way is lost.
    Reset,
    /// The connection ends in the middle of the answer.
    Break,
    /// The answer ends as it should, in the middle of a block.
    Close,
    /// Nothing more comes.
    Silence,
    /// Two megabytes without an end of line.
    LongLine,
    /// A block that is none of cStar's.
    Garbage,
    /// A refusal that passes.
    Status(u16),
    /// What a proxy shows while the server starts.
    Html,
}

fn plan() -> impl Strategy<Value = Plan> {
    let abuse = prop_oneof![
        3 => Just(Abuse::Reset),
        3 => Just(Abuse::Break),
        3 => Just(Abuse::Close),
        1 => Just(Abuse::Silence),
        1 => Just(Abuse::LongLine),
        2 => Just(Abuse::Garbage),
        1 => prop::sample::select(vec![408, 409, 425, 429, 500, 502, 503, 504]).prop_map(Abuse::Status),
        1 => Just(Abuse::Html),
    ];
    (0u64..4, 0u64..5, 1usize..400, 0usize..9000, abuse).prop_map(
        |(expired, again, piece_bytes, place, abuse)| Plan { expired, again, piece_bytes, place, abuse },
    )
}

/// The blocks of an answer, with what the client has seen in front of what it has not.
fn blocks(kept: Kept, cursor: Cursor, again: u64) -> Vec<String> {
    let mut blocks = kept.blocks(Some(cursor), HEARTBEAT_MS);
    let Cursor::After(seen) = cursor else { return blocks };
    let repeats = (seen.seq.saturating_sub(again) + 1..=seen.seq)
        .map(|seq| if seq % 2 == 0 { heartbeat(seq) } else { event(at(seq)) });
    blocks.splice(1..1, repeats);
    blocks
}

fn chunked(body: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n"].concat()
}

fn head(status: u16, media_type: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} x\r\ncontent-type: {media_type}\r\ntransfer-encoding: chunked\r\n\r\n").into()
}

/// The bytes to write; whatever becomes of the connection follows them.
fn answer(plan: &Plan, blocks: &[String]) -> Vec<u8> {
    let stream = head(200, cstar_sse::MEDIA_TYPE);
    let body = blocks.concat();
    let cut = plan.place.min(body.len() - 1);
    let whole_until = |place: usize| {
        let mut passed = 0;
        blocks
            .iter()
            .map(String::as_str)
            .take_while(|block| {
                passed += block.len();
                passed <= place
            })
            .collect::<String>()
    };
    match plan.abuse {
        Abuse::Reset | Abuse::Break => {
            let whole = [&stream[..], &chunked(body.as_bytes())].concat();
            let before_its_last_block_ends = whole.len() - "\n\r\n".len();
            whole[..plan.place.min(before_its_last_block_ends)].to_vec()
        }
        Abuse::Close => [&stream[..], &chunked(&body.as_bytes()[..cut]), END].concat(),
        Abuse::Silence => [&stream[..], &chunked(&body.as_bytes()[..cut.max(blocks[0].len())])].concat(),
        Abuse::LongLine => {
            let line = format!("{}: {}", whole_until(cut), "x".repeat(2 << 20));
            [&stream[..], &chunked(line.as_bytes())].concat()
        }
        Abuse::Garbage => {
            let garbage = format!("{}id: 1.999\ndata: {{\n\n{}", whole_until(cut), event(at(999)));
            [&stream[..], &chunked(garbage.as_bytes()), END].concat()
        }
        Abuse::Status(status) => [&head(status, "text/plain")[..], END].concat(),
        Abuse::Html => [&head(200, "text/html")[..], &chunked(body.as_bytes()), END].concat(),
    }
}

async fn write(socket: &mut TcpStream, bytes: &[u8], piece_bytes: usize) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    for piece in bytes.chunks(if bytes.len() > 1 << 20 { 64 << 10 } else { piece_bytes }) {
        socket.write_all(piece).await?;
    }
    Ok(())
}

/// Plays the plans, and then keeps its word; answers what is kept at the end.
async fn serve(listener: TcpListener, plans: Vec<Plan>, mut kept: Kept) -> Kept {
    let mut silent = Vec::new();
    for plan in plans {
        let (mut socket, cursor) = accept(&listener).await;
        kept.oldest = (kept.oldest + plan.expired).min(kept.head + 1);
        let bytes = answer(&plan, &blocks(kept, cursor, plan.again));
        // The client may have left before the end.
        let _ = write(&mut socket, &bytes, plan.piece_bytes).await;
        match plan.abuse {
            Abuse::Reset => socket.set_zero_linger().unwrap(),
            Abuse::Silence => silent.push(socket),
            _ => {}
        }
    }
    let (mut socket, cursor) = accept(&listener).await;
    let body = blocks(kept, cursor, 0).concat();
    let bytes = [&head(200, cstar_sse::MEDIA_TYPE)[..], &chunked(body.as_bytes()), END].concat();
    write(&mut socket, &bytes, 64).await.unwrap();
    let _ = socket.read(&mut [0]).await; // until the client has read it all
    kept
}

async fn accept(listener: &TcpListener) -> (TcpStream, Cursor) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let request = read_request(&mut socket).await;
    (socket, request.headers["last-event-id"].parse().unwrap())
}

async fn given_by(plans: Vec<Plan>, kept: Kept, after: u64) -> (Given, Kept, Option<Cursor>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let server = tokio::spawn(serve(listener, plans, kept));
    let mut transport = Transport::new(Config::new(url, KeySource::fixed("csk_1"))).unwrap();
    transport.random = || 0.0;
    let team =
        Client::from_transport(transport).team("550e8400-e29b-41d4-a716-446655440000".parse().unwrap());
    let options =
        RealtimeOptions { after: Some(Cursor::After(at(after))), until_head: true, ..Default::default() };
    let mut realtime = team.realtime(options);
    let mut given = Given::new();
    while let Some(told) = realtime.next().await {
        match told {
            StreamEvent::Event(event) => given.push(Ok(event.position.seq)),
            StreamEvent::Gap(gap) => given.push(Err(gap.from.unwrap().seq + 1..=gap.to.seq)),
            StreamEvent::State(_) => {}
        }
    }
    let cursor = realtime.cursor();
    drop((realtime, team));
    (given, server.await.unwrap(), cursor)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// R4, R6, T13, T16, RT-1, RT-2: whatever is done to the connections of a stream, each event of the log comes once and in
    /// order, or lies in a gap that was told.
    #[test]
    fn nothing_comes_twice_and_nothing_is_lost_untold_over_tcp(
        head in 1u64..40,
        every in 1u64..4,
        after in 0u64..10,
        plans in prop::collection::vec(plan(), 0..10),
    ) {
        let after = after.min(head);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let kept = Kept { oldest: 1, head, every };
        let run = async { timeout(DEADLINE, given_by(plans, kept, after)).await.expect("it comes to an end") };
        let (given, kept, cursor) = runtime.block_on(run);
        kept.is_given_whole(after, &given);
        prop_assert_eq!(cursor, Some(Cursor::After(at(head.max(kept.oldest - 1)))));
    }
}
