//! Reads what servers of any version may send.

use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, IntoDeserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Declares an open enumeration of wire values: an unlisted value is `Other`, never an error.
///
/// Invisible characters in an `Other` are replaced, so that it can be shown, and never equals a value that it only
/// resembles.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $wire:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* #[doc = concat!("`", $wire, "`")] $variant,)*
            /// A value that this version does not know.
            Other(String),
        }

        impl $name {
            /// Every known value.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the value as the server writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Other(value) => value,
                }
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                match value {
                    $($wire => Self::$variant,)*
                    other => Self::Other($crate::text::shown(other)),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Ok(Self::from(value.as_ref()))
            }
        }
    };
}
pub(super) use open_enum;

/// Reads a part that no verdict depends on: if it does not fit, it is absent. A server that changes the shape of its
/// logs or jobs must not cost a verdict.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&'de RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// The same for a value that may be written as a string, as metadata are: `"true"`, `"3"`.
pub(super) fn written<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = <&'de RawValue>::deserialize(deserializer)?;
    let unquoted = || serde_json::from_str(&serde_json::from_str::<String>(raw.get()).ok()?).ok();
    Ok(serde_json::from_str(raw.get()).ok().or_else(unquoted))
}

/// An object and nothing else. serde would otherwise read a list as an object, with the items as its fields in the
/// order of declaration: `["active"]` as a status.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// Reads an object that a verdict depends on.
pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|object| object.0))
}

/// Reads an optional object; anything else is absent.
pub(super) fn lenient_object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(lenient::<D, Object<T>>(deserializer)?.map(|object| object.0))
}

/// Reads an optional object whose presence counts: one of an unexpected form is there, and says nothing.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let raw = <&'de RawValue>::deserialize(deserializer)?.get();
    let read = || serde_json::from_str::<Object<T>>(raw).map(|object| object.0).unwrap_or_default();
    Ok((raw != "null").then(read))
}

/// Reads an identifier; the empty text that the server writes for "none" is absent.
pub(super) fn identifier<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    named(Option::deserialize(deserializer)?)
}

/// The same for an owner or a build, which a row can leave out: what is no text is absent too.
pub(super) fn identifier_if_text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    named(lenient(deserializer)?)
}

fn named<'de, T: Deserialize<'de>, E: Error>(text: Option<String>) -> Result<Option<T>, E> {
    text.filter(|text| !text.trim().is_empty()).map(|text| T::deserialize(text.into_deserializer())).transpose()
}

/// Reads an instant; anything else, and Go's zero time (year 1), is absent.
pub(super) fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text: Option<String> = lenient(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()).filter(|at| *at > Timestamp::UNIX_EPOCH))
}

/// Reads Unix seconds; anything else is absent.
pub(super) fn unix_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let seconds: Option<i64> = lenient(deserializer)?;
    Ok(seconds.filter(|seconds| *seconds > 0).and_then(|seconds| Timestamp::from_second(seconds).ok()))
}
