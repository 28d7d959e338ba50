//! Reading a request body by its fields.

use cstar_types::json::{JsonError, JsonErrorKind, Limits, Reader, ValueKind};

#[derive(Debug, Default, PartialEq)]
struct Publish {
    event_type: String,
    data: String,
    webhooks: Option<bool>,
}

#[derive(Debug, PartialEq)]
enum Refusal {
    Json(JsonError),
    Unknown(String),
}

impl From<JsonError> for Refusal {
    fn from(fault: JsonError) -> Self {
        Self::Json(fault)
    }
}

fn publish(reader: &mut Reader<'_>) -> Result<Publish, Refusal> {
    let mut publish = Publish::default();
    reader.object(|reader, key| {
        match &*key {
            "type" => publish.event_type = reader.string()?.into_owned(),
            "webhooks" => publish.webhooks = Some(reader.boolean()?),
            "data" => {
                let mut data = Vec::new();
                reader.expect(ValueKind::Object)?;
                reader.canonical(&mut data, Limits::default())?;
                publish.data = String::from_utf8(data).expect("canonical JSON is UTF-8");
            }
            "ignored" => {}
            "looked_at" => _ = reader.kind()?,
            _ => return Err(Refusal::Unknown(reader.pointer())),
        }
        Ok(())
    })?;
    Ok(publish)
}

fn one(body: &str) -> Result<Publish, Refusal> {
    let mut reader = Reader::new(body.as_bytes());
    let publish = publish(&mut reader)?;
    reader.end()?;
    Ok(publish)
}

fn batch(body: &str) -> Result<Vec<Publish>, Refusal> {
    let mut reader = Reader::new(body.as_bytes());
    let mut events = Vec::new();
    reader.object(|reader, key| match &*key {
        "events" => reader.array(|reader, index| {
            assert_eq!(index, events.len());
            events.push(publish(reader)?);
            Ok(())
        }),
        _ => Err(Refusal::Unknown(reader.pointer())),
    })?;
    reader.end()?;
    Ok(events)
}

#[track_caller]
fn refused(body: &str, pointer: &str, kind: JsonErrorKind) {
    for (body, pointer) in [
        (body.to_owned(), pointer.to_owned()),
        (format!("{{\"events\": [{{}}, {body}]}}"), format!("/events/1{pointer}")),
    ] {
        let result =
            if body.starts_with("{\"events") { batch(&body).map(|_| ()) } else { one(&body).map(|_| ()) };
        let Err(Refusal::Json(fault)) = result else { panic!("{body} gave {result:?}") };
        assert_eq!((fault.kind(), fault.pointer()), (kind, &*pointer), "{body}");
    }
}

#[test]
fn the_fields_come_in_any_order_and_data_is_canonical() {
    let want = Publish {
        event_type: "ticket.created".into(),
        data: r#"{"7":"é","b":1}"#.into(),
        webhooks: Some(false),
    };
    let body = r#" { "type" : "ticket.cre\u0061ted" , "webhooks" : false ,
        "data" : { "b" : 1.0 , "7" : "\u00e9" } } "#;
    assert_eq!(one(body).as_ref(), Ok(&want));
    let body = r#"{"data":{"b":1,"7":"é"},"d\u0061ta2":0,"type":"ticket.created"}"#;
    assert_eq!(one(body), Err(Refusal::Unknown("/data2".into())));
    let two = r#"{"events":[{"data":{"b":1,"7":"é"},"webhooks":false,"type":"ticket.created"},{}]}"#;
    assert_eq!(batch(two), Ok(vec![want, Publish::default()]));
    assert_eq!(batch(r#"{"events":[]}"#), Ok(vec![]));
}

#[test]
fn what_is_left_unread_is_checked_and_passed_over() {
    for field in ["ignored", "looked_at"] {
        for value in ["1", "-1.5e3", "null", "\"x\"", "[1,{\"a\":[]}]", "  { \"type\" : [ ] } ", "true"] {
            let body = format!("{{\"{field}\": {value}, \"type\":\"a.b\"}}");
            assert_eq!(one(&body).map(|publish| publish.event_type), Ok("a.b".into()), "{body}");
        }
        let at = |rest: &str| format!("/{field}{rest}");
        refused(&format!("{{\"{field}\":[1e999]}}"), &at("/0"), JsonErrorKind::NumberOverflow);
        refused(&format!("{{\"{field}\":{{\"a\":1,\"a\":1}}}}"), &at("/a"), JsonErrorKind::DuplicateKey);
    }
}

/// T1: a field of the request itself that stands twice would leave open which one is meant.
#[test]
fn refusals_name_the_place_in_the_whole_body() {
    let wrong = |expected, found| JsonErrorKind::WrongKind { expected, found };
    refused(r#"{"type":"a.b","type":"a.c"}"#, "/type", JsonErrorKind::DuplicateKey);
    refused(r#"{"type":"a.b","t\u0079pe":"a.c"}"#, "/type", JsonErrorKind::DuplicateKey);
    refused(r#"{"data":{"x":{"a/b":[0,{"k":1,"k":2}]}}}"#, "/data/x/a~1b/1/k", JsonErrorKind::DuplicateKey);
    refused(r#"{"data":{"__proto__":1}}"#, "/data/__proto__", JsonErrorKind::UnsafeKey);
    refused(r#"{"__proto__":{}}"#, "/__proto__", JsonErrorKind::UnsafeKey);
    refused(r#"{"type":"\ud800"}"#, "/type", JsonErrorKind::LoneSurrogate);
    refused(r#"{"type":5}"#, "/type", wrong(ValueKind::String, ValueKind::Number));
    refused(r#"{"data":[]}"#, "/data", wrong(ValueKind::Object, ValueKind::Array));
    refused(r#"{"data":null}"#, "/data", wrong(ValueKind::Object, ValueKind::Null));
    refused(r#"{"webhooks":"false"}"#, "/webhooks", wrong(ValueKind::Boolean, ValueKind::String));
    refused("[]", "", wrong(ValueKind::Object, ValueKind::Array));
    refused("true", "", wrong(ValueKind::Object, ValueKind::Boolean));
}

#[test]
fn one_object_does_not_know_the_keys_of_another() {
    fn read(reader: &mut Reader<'_>, seen: &mut String) -> Result<(), JsonError> {
        if reader.kind()? == ValueKind::Array {
            return reader.array(|reader, _| read(reader, seen));
        }
        reader.object(|reader, key| {
            seen.push_str(&key);
            if reader.kind()? == ValueKind::Number { Ok(()) } else { read(reader, seen) }
        })
    }
    let mut seen = String::new();
    let body = br#"{"a":{"a":1,"b":{"c":0}},"b":[{"a":1,"d":2},{"a":1}],"c":{},"d":0}"#;
    assert_eq!(read(&mut Reader::new(body), &mut seen), Ok(()));
    assert_eq!(seen, "aabcbadacd");
}

#[test]
fn many_unknown_fields_are_told_apart_without_comparing_all() {
    let fields: Vec<_> = (0..100_000).map(|n| format!("\"k{n}\":0")).collect();
    let read = |body: String| Reader::new(body.as_bytes()).object(|_, _| Ok::<_, JsonError>(()));
    assert_eq!(read(format!("{{{}}}", fields.join(","))), Ok(()));
    let fault = read(format!("{{{},\"k5\":0}}", fields.join(","))).expect_err("a duplicate");
    assert_eq!((fault.kind(), fault.pointer()), (JsonErrorKind::DuplicateKey, "/k5"));
}

#[test]
fn nothing_may_follow() {
    for body in ["{} x", "{}{}", "{}]"] {
        let Err(Refusal::Json(fault)) = one(body) else { panic!("{body} was accepted") };
        assert_eq!(fault.kind(), JsonErrorKind::TrailingBytes, "{body}");
    }
    for body in ["{\"type\":tru}", "{\"webhooks\":trve}", "{\"type\":", "{"] {
        let Err(Refusal::Json(fault)) = one(body) else { panic!("{body} was accepted or unknown") };
        assert_eq!(fault.kind().code(), "malformed_json", "{body}");
    }
}
