//! Blanks what differs from run to run, and keeps its width, so that tables stay tables.

/// How ids and secrets begin. The longer of two that begin alike stands first.
const PREFIXES: [&str; 11] =
    ["evt_test_", "evt_", "dlv_", "wh_", "op_", "aud_", "key_", "csk_", "csp_", "whsec_", "req_"];

/// `text` with each of `known` under its name, and with ids, secrets, times and durations blanked.
pub(crate) fn redact(text: &str, known: &[(String, String)]) -> String {
    let named = known.iter().fold(text.to_owned(), |text, (what, name)| text.replace(what, name));
    let mut redacted = String::with_capacity(named.len());
    let mut rest = named.as_str();
    let mut inside_word = false;
    while let Some(letter) = rest.chars().next() {
        let (blank, taken) = match inside_word {
            true => (letter.to_string(), letter.len_utf8()),
            false => blank(rest),
        };
        redacted.push_str(&blank);
        inside_word = rest[..taken].chars().last().is_some_and(char::is_alphanumeric);
        rest = &rest[taken..];
    }
    redacted
}

/// What stands at the beginning of `rest`, blanked, and how many bytes of it that covers.
fn blank(rest: &str) -> (String, usize) {
    let first = rest.chars().next().expect("the caller has looked");
    let found = id(rest).or_else(|| shape(rest, "dddd-dd-ddTdd:dd:dd.dddZ"));
    let found = found.or_else(|| shape(rest, "dddd-dd-ddTdd:dd:ddZ")).or_else(|| shape(rest, "dd:dd:dd"));
    found.or_else(|| duration(rest)).unwrap_or((first.to_string(), first.len_utf8()))
}

fn id(rest: &str) -> Option<(String, usize)> {
    let prefix = PREFIXES.into_iter().find(|prefix| rest.starts_with(prefix))?;
    let letters = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '+' | '/' | '=');
    let tail = rest[prefix.len()..].chars().take_while(|letter| letters(*letter)).count();
    // Shorter ones are words of a help text.
    (tail >= 20).then(|| (format!("{prefix}{}", "x".repeat(tail)), prefix.len() + tail))
}

/// A time: digits where the shape has a `d`, the shape's own letters elsewhere.
fn shape(rest: &str, shape: &str) -> Option<(String, usize)> {
    let fits = rest.len() >= shape.len()
        && rest.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        });
    fits.then(|| (shape.replace('d', "0"), shape.len()))
}

/// `12 ms`, `1.5 s`, `"duration_ms":12` and the like, whatever their width.
fn duration(rest: &str) -> Option<(String, usize)> {
    if let Some(field) =
        ["duration_ms\":", "retry_in_ms\":"].into_iter().find(|field| rest.starts_with(field))
    {
        let blanks = rest[field.len()..].chars().take_while(|letter| *letter == ' ').count();
        let digits = rest[field.len() + blanks..].chars().take_while(char::is_ascii_digit).count();
        return Some((format!("{field}{}N", " ".repeat(blanks)), field.len() + blanks + digits));
    }
    let digits = rest.chars().take_while(|letter| letter.is_ascii_digit() || *letter == '.').count();
    let unit = [" ms", " s"].into_iter().find(|unit| {
        let behind = rest[digits..].strip_prefix(unit);
        behind.is_some_and(|behind| !behind.starts_with(char::is_alphanumeric))
    });
    unit.filter(|_| digits > 0).map(|unit| (format!("N{unit}"), digits + unit.len()))
}

#[test]
fn what_differs_is_blanked_and_what_does_not_stays() {
    let known = [("127.0.0.1:17070".to_owned(), "SERVER".to_owned())];
    for (text, redacted) in [
        ("http://127.0.0.1:17070/x", "http://SERVER/x"),
        ("evt_test_01m7zxqkajecxbw2g4vee23efb at 1.1", "evt_test_xxxxxxxxxxxxxxxxxxxxxxxxxx at 1.1"),
        (
            r#""secret":"whsec_6dze6dioezCSywfSvemhC+xk/A==""#,
            r#""secret":"whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxx""#,
        ),
        ("events get evt_…", "events get evt_…"),
        ("14:30:07  <-- 200  12 ms", "00:00:00  <-- 200  N ms"),
        ("2025-12-10T14:30:00Z 2025-12-10T14:30:00.123Z", "0000-00-00T00:00:00Z 0000-00-00T00:00:00.000Z"),
        ("again in 12.3 s", "again in N s"),
        (r#""retry_in_ms":250}"#, r#""retry_in_ms":N}"#),
        ("3 events replayed, 10 seconds", "3 events replayed, 10 seconds"),
    ] {
        assert_eq!(redact(text, &known), redacted);
    }
}
