//! The rules of the two schemas that the report has to fit: that of Jenkins' xUnit plugin (`junit-10.xsd`) and that of Maven
//! Surefire (`surefire-test-report.xsd`). A table for each lists what an element may contain.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element of a report.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Self>,
    has_text: bool,
}

/// What an element may contain.
struct Rule {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: Children,
}

/// The children of an element.
enum Children {
    Text,
    /// These, in any order and number.
    Any(&'static [&'static str]),
    /// These in this order, each with the most there can be of it.
    Sequence(&'static [(&'static str, usize)]),
}

const NO: Children = Children::Any(&[]);
const MANY: usize = usize::MAX;

const JENKINS: &[Rule] = &[
    Rule {
        name: "testsuites",
        required: &[],
        optional: &["name", "time", "tests", "failures", "errors"],
        children: Children::Any(&["testsuite"]),
    },
    Rule {
        name: "testsuite",
        required: &["name", "tests", "failures", "errors"],
        optional: &["group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"],
        children: Children::Any(&["testsuite", "properties", "testcase", "system-out", "system-err"]),
    },
    Rule { name: "properties", required: &[], optional: &[], children: Children::Any(&["property"]) },
    Rule { name: "property", required: &["name", "value"], optional: &[], children: NO },
    Rule {
        name: "testcase",
        required: &["name"],
        optional: &["time", "classname", "group"],
        children: Children::Any(&["skipped", "error", "failure", "system-out", "system-err"]),
    },
    Rule { name: "failure", required: &[], optional: &["type", "message"], children: Children::Text },
    Rule { name: "error", required: &[], optional: &["type", "message"], children: Children::Text },
    Rule { name: "skipped", required: &[], optional: &["type", "message"], children: Children::Text },
    Rule { name: "system-out", required: &[], optional: &[], children: Children::Text },
    Rule { name: "system-err", required: &[], optional: &[], children: Children::Text },
];

const SUREFIRE: &[Rule] = &[
    Rule {
        name: "testsuite",
        required: &["name", "tests", "errors", "skipped", "failures"],
        optional: &["time", "group"],
        children: Children::Sequence(&[("properties", MANY), ("testcase", MANY)]),
    },
    Rule { name: "properties", required: &[], optional: &[], children: Children::Any(&["property"]) },
    Rule { name: "property", required: &["name", "value"], optional: &[], children: NO },
    Rule {
        name: "testcase",
        required: &["name", "time"],
        optional: &["classname", "group"],
        children: Children::Sequence(&[
            ("failure", MANY),
            ("skipped", 1),
            ("error", 1),
            ("system-out", 1),
            ("system-err", 1),
        ]),
    },
    Rule { name: "failure", required: &["type"], optional: &["message"], children: Children::Text },
    Rule { name: "error", required: &["type"], optional: &["message"], children: Children::Text },
    Rule { name: "skipped", required: &[], optional: &["message"], children: Children::Text },
    Rule { name: "system-out", required: &[], optional: &[], children: Children::Text },
    Rule { name: "system-err", required: &[], optional: &[], children: Children::Text },
];

impl Children {
    /// Returns whether these children are allowed.
    fn allow(&self, found: &[&str]) -> bool {
        match self {
            Self::Text => found.is_empty(),
            Self::Any(names) => found.iter().all(|name| names.contains(name)),
            Self::Sequence(places) => {
                let mut rest = found;
                for (name, most) in *places {
                    let count = rest.iter().take_while(|found| *found == name).count();
                    if count > *most {
                        return false;
                    }
                    rest = &rest[count..];
                }
                rest.is_empty()
            }
        }
    }
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn cases(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(|child| child.name == "testcase")
    }

    /// Checks that both schemas allow this as a whole report.
    #[track_caller]
    pub(super) fn fits(&self) {
        for (schema, rules) in [("Jenkins", JENKINS), ("Surefire", SUREFIRE)] {
            if let Err(why) = self.keeps_to(rules) {
                panic!("{schema}: {why} in\n{self:#?}");
            }
        }
    }

    fn keeps_to(&self, rules: &[Rule]) -> Result<(), String> {
        let name = &self.name;
        let rule = rules.iter().find(|rule| rule.name == name).ok_or_else(|| format!("<{name}> is not known"))?;
        for required in rule.required {
            self.attribute(required).ok_or_else(|| format!("<{name}> has no {required}"))?;
        }
        for (attribute, value) in &self.attributes {
            let known = rule.required.iter().chain(rule.optional).any(|known| known == attribute);
            let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
            match attribute.as_str() {
                _ if !known => return Err(format!("<{name}> cannot have {attribute}")),
                "time" if !is_time(value) => return Err(format!("<{name}> took {value:?}")),
                "tests" | "failures" | "errors" | "skipped" if !is_number => {
                    return Err(format!("{value:?} {attribute}"));
                }
                _ => {}
            }
        }
        let children: Vec<&str> = self.children.iter().map(|child| child.name.as_str()).collect();
        if !rule.children.allow(&children) {
            return Err(format!("<{name}> cannot have these: {children:?}"));
        }
        if self.has_text && !matches!(rule.children, Children::Text) {
            return Err(format!("<{name}> cannot have a text"));
        }
        self.children.iter().try_for_each(|child| child.keeps_to(rules))
    }
}

/// Seconds, with three decimals at most.
fn is_time(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !whole.is_empty() && digits(whole) && digits(part) && part.len() <= 3
}

/// Parses a report, and refuses one that is not well-formed.
#[track_caller]
pub(super) fn read(xml: &str) -> Element {
    // XML 1.0 (2.2) cannot represent these.
    let has = |c: char| c.is_control() && !"\t\n\r".contains(c) && c < '\u{80}' || matches!(c, '\u{fffe}' | '\u{ffff}');
    assert!(!xml.contains(has), "{xml:?}");
    let mut reader = Reader::from_str(xml);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error} in\n{xml}")) {
            Event::Decl(_) => {}
            Event::Start(start) => open.push(element(&start)),
            Event::Empty(start) => open.last_mut().unwrap().children.push(element(&start)),
            Event::End(_) => {
                let child = open.pop().unwrap();
                open.last_mut().unwrap().children.push(child);
            }
            Event::Text(text) => open.last_mut().unwrap().has_text |= !text.trim_ascii().is_empty(),
            Event::GeneralRef(name) => {
                assert!(matches!(&*name, b"lt" | b"gt" | b"amp" | b"quot"), "{name:?} in\n{xml}");
                open.last_mut().unwrap().has_text = true;
            }
            Event::Eof => break,
            other => panic!("{other:?} in\n{xml}"),
        }
    }
    assert_eq!((open.len(), open[0].children.len(), open[0].has_text), (1, 1, false), "{xml}");
    open.remove(0).children.remove(0)
}

fn element(start: &BytesStart<'_>) -> Element {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let value = quick_xml::escape::unescape(std::str::from_utf8(&attribute.value).unwrap()).unwrap().into_owned();
        (text(attribute.key.as_ref()), value)
    });
    Element { name: text(start.name().as_ref()), attributes: attributes.collect(), ..Element::default() }
}

#[test]
fn what_the_schemas_refuse_is_refused() {
    const HEAD: &str = r#"<testsuite name="x" tests="1" failures="0" errors="0" skipped="0""#;
    let cases = [
        (r#"<testsuites skipped="0"/>"#.to_owned(), "<testsuites> cannot have skipped", "<testsuites> is not known"),
        (format!(r#"{HEAD}><testcase name="a"/></testsuite>"#), "", "<testcase> has no time"),
        (
            format!(r#"{HEAD}><testcase name="a" time="1"><properties/></testcase></testsuite>"#),
            "<testcase> cannot have these: [\"properties\"]",
            "<testcase> cannot have these: [\"properties\"]",
        ),
        (format!(r#"{HEAD} time="1.2345"/>"#), "<testsuite> took \"1.2345\"", "<testsuite> took \"1.2345\""),
        (
            format!(
                r#"{HEAD}><testcase name="a" time="1"><error type="x"/><failure type="x"/></testcase></testsuite>"#
            ),
            "",
            "<testcase> cannot have these: [\"error\", \"failure\"]",
        ),
    ];
    for (xml, jenkins, surefire) in cases {
        let refusal = |rules| read(&xml).keeps_to(rules).err().unwrap_or_default();
        assert_eq!((refusal(JENKINS).as_str(), refusal(SUREFIRE).as_str()), (jenkins, surefire), "{xml}");
    }
}
