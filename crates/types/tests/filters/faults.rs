//! What is no filter, and where.

use cstar_types::limits::{FILTER_MAX_BYTES, FILTER_MAX_CONDITIONS, FILTER_MAX_DEPTH, FILTER_MAX_STEPS};
use cstar_types::{Filter, FilterProblem};

use super::{SCHEMA, parse, value};

/// Each bad place is named, and what is wrong there.
#[test]
fn each_bad_place_is_named() {
    use FilterProblem::{
        NoTest, NoValues, NotABoolean, NotACondition, NotAPointer, NotAScalar, NotComparable, NotConditions,
        TwoConditions, TwoTests, UnknownKey,
    };
    let cases: [(&str, &[(&str, FilterProblem)]); 24] = [
        ("[]", &[("", NotACondition)]),
        ("null", &[("", NotACondition)]),
        ("{}", &[("", NotACondition)]),
        (r#"{"equals": 1}"#, &[("", NotACondition)]),
        (r#"{"all": [], "any": []}"#, &[("", TwoConditions)]),
        (r#"{"pointer": "/a", "not": {}}"#, &[("", TwoConditions)]),
        (r#"{"all": []}"#, &[("/all", NotConditions)]),
        (r#"{"any": {"pointer": "/a", "exists": true}}"#, &[("/any", NotConditions)]),
        (r#"{"not": [1]}"#, &[("/not", NotACondition)]),
        (
            r#"{"all": [{"pointer": "/a"}, 7], "x/y": 1}"#,
            &[("/x~1y", UnknownKey), ("/all/0", NoTest), ("/all/1", NotACondition)],
        ),
        (r#"{"pointer": "/a"}"#, &[("", NoTest)]),
        (r#"{"pointer": "/a", "exists": true, "equals": 1}"#, &[("", TwoTests)]),
        (r#"{"pointer": "/a", "equal": 1}"#, &[("/equal", UnknownKey)]),
        (r#"{"pointer": "a", "equals": 1}"#, &[("/pointer", NotAPointer)]),
        (r#"{"pointer": "", "exists": true}"#, &[("/pointer", NotAPointer)]),
        (r#"{"pointer": "/a~2b", "equals": 1}"#, &[("/pointer", NotAPointer)]),
        (r#"{"pointer": "/a~", "equals": 1}"#, &[("/pointer", NotAPointer)]),
        (r#"{"pointer": 7, "equals": 1}"#, &[("/pointer", NotAPointer)]),
        (r#"{"pointer": "/a", "equals": [1]}"#, &[("/equals", NotAScalar)]),
        (r#"{"pointer": "/a", "one_of": []}"#, &[("/one_of", NoValues)]),
        (
            r#"{"pointer": "/a", "one_of": [1, {}, 2, []]}"#,
            &[("/one_of/1", NotAScalar), ("/one_of/3", NotAScalar)],
        ),
        (r#"{"pointer": "/a", "less_than": true}"#, &[("/less_than", NotComparable)]),
        (r#"{"pointer": "/a", "at_least": null}"#, &[("/at_least", NotComparable)]),
        (r#"{"any": [{"not": {"pointer": "/a", "exists": 1}}]}"#, &[("/any/0/not/exists", NotABoolean)]),
    ];
    for (text, expected) in cases {
        let error = parse(text).expect_err(text);
        let found: Vec<_> =
            error.faults().iter().map(|fault| (fault.pointer.as_str(), fault.problem)).collect();
        assert_eq!(found, expected, "{text}");
        assert!(!SCHEMA.is_valid(&value(text)), "its schema takes {text}");
    }
}

/// What is no JSON, or no number that receivers could hold, is refused like that.
#[test]
fn faults_of_the_json_are_told() {
    let code = |text: &str| match parse(text).expect_err(text).faults() {
        [fault] => match fault.problem {
            FilterProblem::Json(kind) => (fault.pointer.clone(), kind.code()),
            other => panic!("{text}: {other:?}"),
        },
        several => panic!("{text}: {several:?}"),
    };
    assert_eq!(code("{"), (String::new(), "malformed_json"));
    assert_eq!(code(r#"{"pointer": "/a", "pointer": "/b"}"#), ("/pointer".into(), "duplicate_key"));
    let inexact = r#"{"pointer": "/a", "one_of": [1, 9007199254740993]}"#;
    assert_eq!(code(inexact), ("/one_of/1".into(), "unrepresentable_number"));
}

/// Each bound is kept, and what just fits is taken.
#[test]
fn bounds_are_kept() {
    let leaf = r#"{"pointer":"/a","exists":true}"#;
    let problem = |text: &str| parse(text).map(|_| ()).map_err(|error| error.faults()[0].problem);
    let deep = |levels: usize| format!("{}{leaf}{}", r#"{"not":"#.repeat(levels - 1), "}".repeat(levels - 1));
    assert_eq!(problem(&deep(FILTER_MAX_DEPTH)), Ok(()));
    assert_eq!(problem(&deep(FILTER_MAX_DEPTH + 1)), Err(FilterProblem::TooDeep));
    let wide = |conditions: usize| format!(r#"{{"any":[{}]}}"#, vec![leaf; conditions - 1].join(","));
    assert_eq!(problem(&wide(FILTER_MAX_CONDITIONS)), Ok(()));
    assert_eq!(problem(&wide(FILTER_MAX_CONDITIONS + 1)), Err(FilterProblem::TooMany));
    let far = |steps: usize| {
        let half = r#"{"pointer":"PATH","exists":true}"#.replace("PATH", &"/a".repeat(FILTER_MAX_STEPS / 2));
        let rest = leaf.replace("/a", &"/".repeat(steps - FILTER_MAX_STEPS / 2));
        format!(r#"{{"any":[{half},{rest}]}}"#)
    };
    assert_eq!(problem(&far(FILTER_MAX_STEPS)), Ok(()));
    assert_eq!(problem(&far(FILTER_MAX_STEPS + 1)), Err(FilterProblem::TooFar));
    let long = |bytes: usize| {
        let around = r#"{"pointer":"/a","equals":""}"#.len();
        format!(r#"{{"pointer":"/a","equals":"{}"}}"#, "x".repeat(bytes - around))
    };
    assert_eq!(problem(&long(FILTER_MAX_BYTES)), Ok(()));
    assert_eq!(problem(&long(FILTER_MAX_BYTES + 1)), Err(FilterProblem::TooLong));
}

/// A filter has one form, whoever writes it, and comes back from it.
#[test]
fn a_filter_has_one_form() {
    let forms = [
        r#"{"one_of": [1.0, "A", -0, 1e21], "pointer": "/a"}"#,
        r#"{"pointer":"/a","one_of":[1,"\u0041",0.0,1000000000000000000000]}"#,
    ];
    let [one, other] = forms.map(|text| parse(text).expect(text));
    assert_eq!(one.as_str(), r#"{"pointer":"/a","one_of":[1,"A",0,1e+21]}"#);
    assert_eq!(one, other);
    assert_eq!(parse(one.as_str()), Ok(one.clone()));
    let written = serde_json::to_string(&one).unwrap();
    assert_eq!(serde_json::from_str::<Filter>(&written).unwrap(), one);
    assert_ne!(one, parse(r#"{"pointer":"/a","one_of":["A",1,0,1e21]}"#).unwrap(), "its order is its own");
    // As a body of the API has it once it was read: 2^63, as JavaScript prints it.
    let large = Filter::from_canonical(&value(r#"{"pointer":"/a","equals":9223372036854776000}"#)).unwrap();
    assert_eq!(Ok(&large), parse(r#"{"pointer":"/a","equals":9223372036854775808}"#).as_ref());
    assert_eq!(parse(large.as_str()), Ok(large));
}
