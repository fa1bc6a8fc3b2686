//! The contents of an approval, which the server always compresses. They are decompressed while they are parsed, so
//! that the values of a whole plan are never in memory.

use std::io::{BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde::Deserialize as _;

use super::{ApiError, LARGEST_BODY};
use crate::model::{Object, Plan};

/// What a compressed body begins with, and JSON never does.
const MAGIC: &[u8] = &[0x1f, 0x8b];

/// Reads the plan in an approval's contents.
///
/// # Errors
///
/// [`ApiError::Undecodable`], if it is not a known kind of plan, or larger than any body may be.
pub(super) fn plan(body: &[u8]) -> Result<Plan, ApiError> {
    if body.starts_with(MAGIC) { read(MultiGzDecoder::new(body)) } else { read(body) }
}

fn read(contents: impl Read) -> Result<Plan, ApiError> {
    let mut bounded = contents.take(LARGEST_BODY as u64 + 1);
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(bounded.by_ref()));
    let plan = Object::<Plan>::deserialize(&mut json).and_then(|plan| json.end().map(|()| plan.0));
    plan.map_err(|_| {
        let what = match bounded.limit() {
            0 => format!("it is larger than {} MiB when decompressed", LARGEST_BODY >> 20),
            // The decoder's message may quote text that must not be shown.
            _ => "it is not a plan in a known format".to_owned(),
        };
        ApiError::Undecodable(what)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn compressed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(contents: &str) -> Result<(String, Vec<String>), String> {
        let words = |plan: Plan| {
            let destroyed = plan.destroyed.iter().map(|name| name.plain().to_owned()).collect();
            (format!("{} to add, {} to change, {} to destroy", plan.add, plan.change, plan.destroy), destroyed)
        };
        let plain = plan(contents.as_bytes()).map(words).map_err(|error| error.to_string());
        let read = plan(&compressed(contents.as_bytes())).map(words).map_err(|error| error.to_string());
        assert_eq!(read, plain, "compressed or not");
        read
    }

    fn counts(contents: &str) -> String {
        read(contents).map_or_else(|error| error, |(counts, _)| counts)
    }

    #[test]
    fn terraform_counts_its_resources() {
        let change = |address: &str, actions: &str| {
            format!(
                r#"{{"address":"{address}","mode":"managed","change":{{"actions":{actions},"before":{{"password":"hunter2"}},"after":null}}}}"#
            )
        };
        let changes = [
            change("aws_s3_bucket.logs", r#"["create"]"#),
            change("aws_s3_bucket.data", r#"["update"]"#),
            change("aws_db_instance.main", r#"["delete","create"]"#),
            change("aws_iam_role.app", r#"["create","delete"]"#),
            change("aws_iam_role.old", r#"["delete"]"#),
            change("data.aws_ami.base", r#"["read"]"#),
            change("aws_vpc.main", r#"["no-op"]"#),
            change("aws_vpc.forgotten", r#"["forget"]"#),
            change("aws_vpc.odd", "null"),
        ];
        let contents = format!(
            r#"{{"format_version":"1.2","resource_changes":[{}],"output_changes":{{"url":{{"actions":["create"]}}}}}}"#,
            changes.join(",")
        );
        let (counts, destroyed) = read(&contents).unwrap();
        assert_eq!(counts, "3 to add, 1 to change, 3 to destroy");
        assert_eq!(destroyed, ["aws_db_instance.main", "aws_iam_role.app", "aws_iam_role.old"]);
    }

    #[test]
    fn pulumi_names_one_action_each() {
        let contents = r#"{"resource_changes":[{"name":"a","action":"create"},{"name":"b","action":"replace"},
            {"urn":"urn:c","action":"delete"},{"name":"d","action":"same"},{"name":"e","action":"update"}]}"#;
        assert_eq!(read(contents).unwrap(), ("2 to add, 1 to change, 2 to destroy".to_owned(), vec!["b".to_owned()]));
    }

    #[test]
    fn what_helm_has_counted_itself_comes_first() {
        let contents = r#"{"op":"upgrade","plan":"\u001b[0;33mdefault, api, Deployment (apps) to be changed.\u001b[0m\n\u001b[0;31mdefault, old, Service (v1) to be destroyed.\u001b[0m\nPlan: 0 to add, 1 to change, 1 to destroy.\n",
            "helm_content_diff":[{"kind":"Deployment","name":"api","before":"a","after":"b"}]}"#;
        let expected = ("0 to add, 1 to change, 1 to destroy".to_owned(), vec!["Service default/old".to_owned()]);
        assert_eq!(read(contents).unwrap(), expected);
    }

    #[test]
    fn objects_are_counted_where_nobody_else_has() {
        let helm = r#"{"plan":"upgrade api","helm_content_diff":[{"kind":"Secret","name":"new","before":"","after":"x"},
            {"kind":"Secret","namespace":"default","name":"old","before":"x","after":""},{"kind":"Service","name":"api","before":"x","after":"y"}]}"#;
        let expected = ("1 to add, 1 to change, 1 to destroy".to_owned(), vec!["Secret default/old".to_owned()]);
        assert_eq!(read(helm).unwrap(), expected);
        let objects = r#"[{"kind":"Job","name":"a","op":"apply","type":1},{"kind":"Job","name":"b","op":"apply","type":2},
            {"kind":"Job","name":"c","op":"delete","type":3},{"kind":"Job","name":"d","type":3},{"kind":"Job","name":"e","type":0},{"kind":"Job","type":4}]"#;
        let names = vec!["Job b".to_owned(), "Job c".to_owned()];
        let expected = ("1 to add, 2 to change, 2 to destroy".to_owned(), names);
        assert_eq!(read(&format!(r#"{{"plan":"p","op":"apply","k8s_content_diff":{objects}}}"#)).unwrap(), expected);
        let nested = serde_json::json!({"op": "apply", "plan": format!(r#"{{"k8s_content_diff":{objects}}}"#)});
        assert_eq!(read(&nested.to_string()).unwrap(), expected, "some servers pack it twice");
        assert_eq!(
            counts(r#"{"helm_content_diff":[],"k8s_content_diff":null}"#),
            "0 to add, 0 to change, 0 to destroy"
        );
    }

    #[test]
    fn ten_at_most_are_named_and_each_harmlessly() {
        let changes: Vec<_> = (0..12)
            .map(|at| {
                format!(
                    r#"{{"address":"\u001b[31ma{at}\n::error::{}","change":{{"actions":["delete"]}}}}"#,
                    "x".repeat(300)
                )
            })
            .collect();
        let (counts, destroyed) = read(&format!(r#"{{"resource_changes":[{}]}}"#, changes.join(","))).unwrap();
        assert_eq!((counts.as_str(), destroyed.len()), ("0 to add, 0 to change, 12 to destroy", 10));
        assert!(destroyed.iter().all(|name| !name.contains(char::is_control) && name.chars().count() == LONGEST));
    }

    const LONGEST: usize = 120;

    #[test]
    fn odd_parts_cost_no_plan_and_other_contents_are_none() {
        let odd = r#"{"resource_changes":[{"address":7,"name":["x"],"change":{"actions":[["delete"],1,null]}},{"change":null}]}"#;
        assert_eq!(counts(odd), "0 to add, 0 to change, 1 to destroy");
        for other in [
            "",
            "null",
            "[]",
            "{}",
            "7",
            "<html>",
            r#"{"installs":[]}"#,
            r#"{"plan":"noop"}"#,
            r#"{"resource_changes":{}}"#,
            r#"{"resource_changes":[7]}"#,
            r#"{"resource_changes":[]} {}"#,
            r#"{"resource_changes":["#,
        ] {
            assert!(read(other).unwrap_err().contains("not a plan"), "{other}");
        }
    }

    #[test]
    fn a_bomb_is_not_let_in_and_damage_is_noticed() {
        let long = format!(r#"{{"resource_changes":[],"x":"{}"}}"#, "x".repeat(LARGEST_BODY));
        let bomb = compressed(long.as_bytes());
        assert!(bomb.len() < 100_000);
        assert!(plan(&bomb).unwrap_err().to_string().contains("larger than 16 MiB"));
        let good = compressed(br#"{"resource_changes":[]}"#);
        assert!(plan(&good).is_ok());
        for end in 0..good.len() {
            assert!(plan(&good[..end]).is_err(), "{end}");
        }
        let mut spoilt = good.clone();
        spoilt[20] ^= 1;
        assert!(plan(&spoilt).is_err());
    }
}
