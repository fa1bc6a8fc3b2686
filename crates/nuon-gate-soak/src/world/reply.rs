//! An endpoint's answer to a request, before any fault.

use super::id::Id;
use super::text;

/// An answer of Nuon's.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
    /// Offset, limit and whether more items follow, if the list is paged.
    pub(super) page: Option<(usize, usize, bool)>,
    /// How much longer than usual it takes, in the story's milliseconds.
    pub(super) longer: i64,
}

impl Reply {
    /// A good answer.
    pub(super) fn good(body: String) -> Self {
        Self { status: 200, body, page: None, longer: 0 }
    }

    /// An error in Nuon's shape.
    pub(super) fn error(status: u16, error: &str, description: &str) -> Self {
        let body = text::object(|json| {
            json.text("error", error);
            json.some_true("user_error", status < 500);
            json.text("description", description);
        });
        Self { status, ..Self::good(body) }
    }

    /// The object does not exist.
    pub(super) fn none(what: &str) -> Self {
        Self::error(404, &format!("unable to get {what}: record not found"), "not found")
    }

    /// The endpoint does not exist.
    pub(super) fn no_route() -> Self {
        Self::error(404, "route not found", "not found")
    }
}

/// A parsed request.
#[derive(Debug, Clone)]
pub(super) struct Ask<'a> {
    pub(super) method: &'a str,
    parts: [&'a str; 9],
    count: usize,
    query: &'a str,
    /// A random number that chooses another object than the requested one, if the fault asks for that.
    pub(super) another: Option<usize>,
}

impl<'a> Ask<'a> {
    /// Parses a request.
    pub(super) fn new(method: &'a str, path_and_query: &'a str) -> Self {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let mut ask = Self { method, parts: [""; 9], count: 0, query, another: None };
        for part in path.split('/').filter(|part| !part.is_empty()) {
            if ask.count < ask.parts.len() {
                ask.parts[ask.count] = part;
            }
            ask.count += 1;
        }
        ask
    }

    /// Returns the parts of the path.
    pub(super) fn path(&self) -> &[&'a str] {
        // A path with too many parts matches no endpoint.
        self.parts.get(..self.count).unwrap_or_default()
    }

    /// Returns a parameter of the query.
    pub(super) fn param(&self, key: &str) -> Option<&'a str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(own, _)| *own == key)
            .map(|(_, value)| value)
    }

    fn number(&self, key: &str) -> Option<usize> {
        self.param(key).and_then(|value| value.parse().ok())
    }

    /// Returns offset and limit, by the rules of paging servers.
    pub(super) fn page(&self) -> (usize, usize) {
        let limit = self.number("limit").unwrap_or(10).min(100);
        let offset = match self.number("page") {
            Some(page) if page > 0 => (page - 1).saturating_mul(limit),
            _ => self.number("offset").unwrap_or(0),
        };
        (offset, limit)
    }
}

/// Returns whether two ids are derived from the same one.
pub(super) fn kin(id: Id, text: &str) -> bool {
    text.is_char_boundary(3) && text.len() == 26 && id.as_str()[3..] == text[3..]
}
