//! Which parts of an address are secret on their own.
//!
//! The whole address of a sink is always a secret, and so is its request target, the path and the query: many servers
//! repeat it in an error. A target is only redacted here. CI systems also mask every later occurrence of what they are
//! asked to mask, so a word, a date or a version among these would make their outputs unreadable, and GitHub would drop
//! such outputs. So only these are masked there:
//!
//! - the value of a parameter whose name says that it is a secret (`sig`, `token`, …), whatever it looks like. A value of
//!   nothing but words that every pipeline uses, or numbers as in dates and versions, is redacted with its name alone.
//! - a UUID. It may name something that is not secret, such as a tenant. But some services hand out addresses in which
//!   a UUID is the only secret part, and nothing in a report about a deploy is a UUID.
//! - a part with at least sixteen characters of random text. Text is random if lower-case letters, capitals and digits
//!   alternate often and words are rare, over at least eight letters and digits in a row: the parts of names and
//!   versions, between hyphens and dots, are shorter or contain words.

use nuon_gate_http::Url;

/// At least this much random text is a secret.
const LEAST: usize = 16;
/// Shorter runs of letters and digits are parts of names.
const SHORTEST_ROW: usize = 8;
/// A run with fewer pieces is a name, a date or a version.
const FEWEST_PIECES: usize = 5;
/// A path of one segment that is shorter is a word such as `/notify`.
const SHORTEST_PATH: usize = 16;
/// Words that occur in every pipeline. On their own they are not secret.
const COMMON: [&str; 13] = [
    "production",
    "development",
    "preproduction",
    "staging",
    "prod",
    "customer",
    "customers",
    "deployment",
    "deployments",
    "notification",
    "notifications",
    "default",
    "nuon",
];
/// Words in the names of secret parameters and headers.
const NAMES: [&str; 10] = ["sig", "token", "key", "secret", "code", "pass", "pwd", "auth", "cookie", "credential"];

/// Returns the parts of an address that are secret, as they stand in it and decoded.
pub(crate) fn secret_parts(url: &Url) -> Vec<String> {
    let path = url.path_segments().into_iter().flatten().filter(|part| is_secret(part)).map(str::to_owned);
    let meant = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
    let values = written_pairs(url).map(|(name, value)| (name.to_owned(), value.to_owned())).chain(meant);
    let values = values.filter(|(name, value)| is_secret_value(name, value)).map(|(_, value)| value);
    let mut parts: Vec<String> = path.chain(values).collect();
    parts.sort();
    parts.dedup();
    parts
}

/// Returns what a server can repeat of an address without its host: the request target, the path and the query alone,
/// and the parameters whose names say that they are secret.
pub(crate) fn request_target(url: &Url) -> Vec<String> {
    let path = url.path().trim_matches('/');
    let is_telling = path.contains('/') || path.len() >= SHORTEST_PATH;
    let path_alone = is_telling.then(|| path.to_owned());
    let query = url.query().into_iter().flat_map(|query| [format!("{}?{query}", url.path()), query.to_owned()]);
    let pairs =
        written_pairs(url).filter(|(name, _)| names_secret(name)).map(|(name, value)| format!("{name}={value}"));
    path_alone.into_iter().chain(query).chain(pairs).collect()
}

fn written_pairs(url: &Url) -> impl Iterator<Item = (&str, &str)> {
    url.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='))
}

/// Returns whether the name of a parameter or a header says that its value is a secret.
fn names_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|word| name.contains(word))
}

/// Returns whether a text has the form of a secret.
pub fn is_secret(text: &str) -> bool {
    is_uuid(text) || random(text) >= LEAST
}

/// Returns whether a value is a secret, by its form or by the name of its parameter or header.
pub(crate) fn is_secret_value(name: &str, value: &str) -> bool {
    is_secret(value) || names_secret(name) && !is_common(value)
}

/// Returns whether a text is made of common words, dates and versions alone.
fn is_common(text: &str) -> bool {
    let parts: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let is_number = |part: &str| {
        let digits = part.trim_start_matches(['v', 'V']);
        parts.len() > 1 && digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    parts.iter().all(|part| COMMON.contains(&part.to_ascii_lowercase().as_str()) || is_number(part))
}

fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(group.len()));
    groups.eq([8, 4, 4, 4, 12].map(Some))
}

/// Counts the characters of a text that are random.
fn random(text: &str) -> usize {
    let rows = text.split(|c: char| !c.is_ascii_alphanumeric());
    rows.filter(|row| row.len() >= SHORTEST_ROW && is_random(row)).map(str::len).sum()
}

/// Returns whether a run of letters and digits is random rather than a name.
fn is_random(row: &str) -> bool {
    let pieces = pieces(row);
    let words: usize = pieces.iter().filter(|piece| is_word(piece)).map(|piece| piece.len()).sum();
    let numbers = pieces.iter().filter(|piece| piece.starts_with(|c: char| c.is_ascii_digit())).count();
    pieces.len() >= FEWEST_PIECES && (words * 2 < row.len() || pieces.len() * 3 > row.len() || numbers >= 3)
}

/// Splits a run where the kind of character changes: `IncomingWebhook2` is `Incoming`, `Webhook` and `2`.
fn pieces(row: &str) -> Vec<&str> {
    let class = |byte: u8| (byte.is_ascii_lowercase(), byte.is_ascii_uppercase());
    let bytes = row.as_bytes();
    let mut pieces = Vec::new();
    let mut start = 0;
    for at in 1..bytes.len() {
        let begins_word = at == start + 1 && bytes[start].is_ascii_uppercase() && bytes[at].is_ascii_lowercase();
        if class(bytes[at - 1]) != class(bytes[at]) && !begins_word {
            pieces.push(&row[start..at]);
            start = at;
        }
    }
    pieces.push(&row[start..]);
    pieces
}

/// Returns whether a piece is pronounceable.
fn is_word(piece: &str) -> bool {
    let is_vowel = |byte: &u8| matches!(byte.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
    let vowels = piece.bytes().filter(is_vowel).count();
    piece.len() >= 4 && vowels * 4 >= piece.len() && vowels * 3 <= piece.len() * 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_drawn_at_random_is_secret_and_what_was_named_is_not() {
        let secret = [
            // Slack, Discord, PagerDuty, and a signature of Azure's.
            "Xf3mQ9rL0aZt7VbW2kHs8NyE",
            "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9-bC2eF4hJ6kL8nP0rS2uV4xY6zA8_cD1fG3iK5mO7q",
            "4be1c7d0aa11bb22cc33dd44ee55ff66",
            "R3x0-9Qd2kLmTz4Vb_8sYw1HcJfNpGuEa7oXi5rBtM6",
            // A GUID, alone and as Teams writes it.
            "550e8400-e29b-41d4-a716-446655440000",
            "550e8400-e29b-41d4-a716-446655440000@6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            // Letters of one case with digits.
            "k3v9x2m7q4w8z1p5t6r0",
            "K3V9X2M7Q4W8Z1P5T6R0",
            "qZrTgPxWvNbHjKmLcFsD",
        ];
        let named = [
            "production",
            "notifications",
            "customer-notifications-v2",
            "IncomingWebhookHandler",
            "NuonGateWebhookReceiverV2",
            "nuon-gate-deployments-2024",
            "deployments2024production",
            "k8s-prod-eu1-v2-api3",
            "kubernetesIngressNginxController2",
            "2016-06-01",
            "2016-06-01T12:00:00Z",
            "20160601T120000Z",
            "v1.2.3-rc.4+build.5678",
            "1.0.0",
            "1234567890123456789",
            "1754229731.123456",
            "application/vnd.github.v3+json",
            "/triggers/manual/run",
            "%2Ftriggers%2Fmanual%2Frun",
            "T0123ABCD",
            "inlacme0000000000000000000",
            "XXXXXXXXXXXXXXXXXXXXXXXX",
            "",
        ];
        for text in secret {
            assert!(is_secret(text), "{text}");
        }
        for text in named {
            assert!(!is_secret(text), "{text}");
        }
    }

    #[test]
    fn the_value_of_a_secret_parameter_is_one_unless_every_pipeline_says_it() {
        for value in [
            "querySecretAsDf66",
            "SuperSecretToken",
            "opensesame",
            "correct-horse-battery-staple",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "1234567890123456",
            "abcdefghijklmnop",
        ] {
            assert!(is_secret_value("access_token", value), "{value}");
            assert!(!is_secret_value("environment", value), "{value}");
        }
        for value in ["production", "Customer-Deployments", "nuon-production-v2", "2016-06-01", "v1.2.3", ""] {
            assert!(!is_secret_value("token", value), "{value}");
        }
    }

    #[test]
    fn the_request_target_is_taken_as_a_whole() {
        let rows: [(&str, &[&str]); 7] = [
            (
                "https://a.example/hooks/nuon?token=SuperSecretToken",
                &[
                    "hooks/nuon",
                    "/hooks/nuon?token=SuperSecretToken",
                    "token=SuperSecretToken",
                    "token=SuperSecretToken",
                ],
            ),
            ("https://a.example/hook/hookPathSecretXyZ987", &["hook/hookPathSecretXyZ987"]),
            ("https://a.example/abcdefghijklmnopqrstuvwxyz/", &["abcdefghijklmnopqrstuvwxyz"]),
            ("https://a.example/x?opensesame", &["/x?opensesame", "opensesame"]),
            (
                "https://a.example/x?v=1&key=production",
                &["/x?v=1&key=production", "v=1&key=production", "key=production"],
            ),
            ("https://a.example/notify", &[]),
            ("https://a.example", &[]),
        ];
        for (url, parts) in rows {
            assert_eq!(request_target(&Url::parse(url).unwrap()), parts, "{url}");
        }
    }

    #[test]
    fn of_an_address_the_secret_parts_are_taken() {
        let rows: [(&str, &[&str]); 10] = [
            (
                "https://hooks.slack.com/services/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",
                &["Xf3mQ9rL0aZt7VbW2kHs8NyE"],
            ),
            (
                "https://x.logic.azure.com:443/workflows/4be1c7d0aa11bb22cc33dd44ee55ff66/triggers/manual/paths/invoke\
                 ?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=R3x0-9Qd2kLmTz4Vb_8sYw1HcJfNpGuEa7oXi5rBtM6",
                &["4be1c7d0aa11bb22cc33dd44ee55ff66", "R3x0-9Qd2kLmTz4Vb_8sYw1HcJfNpGuEa7oXi5rBtM6"],
            ),
            (
                "https://discord.com/api/webhooks/1234567890123456789/aB3dE5gH7jK9mN1pQ3sT5vW7yZ9-bC2eF4hJ6kL8nP0rS2uV4",
                &["aB3dE5gH7jK9mN1pQ3sT5vW7yZ9-bC2eF4hJ6kL8nP0rS2uV4"],
            ),
            ("https://webhook.site/550e8400-e29b-41d4-a716-446655440000", &["550e8400-e29b-41d4-a716-446655440000"]),
            ("https://a.example/k3v9x2m7q4w8z1p5t6r0/enqueue", &["k3v9x2m7q4w8z1p5t6r0"]),
            ("https://a.example/x?sig=s3cr3t%2Fs3cr3t9", &["s3cr3t%2Fs3cr3t9", "s3cr3t/s3cr3t9"]),
            ("https://a.example/x?v=s3cr3ts3cr3t", &[]),
            ("https://a.example/hooks/production?token=production&api-version=2016-06-01", &[]),
            ("https://a.example/hooks/2016-06-01/v1.2.3", &[]),
            ("https://a.example", &[]),
        ];
        for (url, parts) in rows {
            assert_eq!(secret_parts(&Url::parse(url).unwrap()), parts, "{url}");
        }
    }

    #[test]
    fn some_names_say_that_the_value_is_secret() {
        for name in [
            "Authorization",
            "X-API-Key",
            "sig",
            "access_token",
            "Cookie",
            "code",
            "X-Amz-Signature",
            "X-Pass",
            "db_pwd",
        ] {
            assert!(names_secret(name), "{name}");
        }
        for name in ["X-Environment", "Accept", "api-version", "sv", "sp", "User-Agent"] {
            assert!(!names_secret(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn keys_in_hexadecimal_are_found(bytes in any::<[u8; 16]>()) {
            // One in ten thousand has digits or letters alone in long rows.
            let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assume!(pieces(&text).len() > 8);
            prop_assert!(is_secret(&text), "{text}");
        }

        #[test]
        fn words_with_numbers_between_them_are_not_secret(words in proptest::collection::vec("(deploy|Production|hook|v[0-9]|[0-9]{1,4}|eu)[-._]", 1..8)) {
            let text = words.concat();
            prop_assert!(!is_secret(&text), "{text}");
        }
    }
}
