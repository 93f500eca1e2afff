//! Webhooks of a sandbox as data: bodies, and how they are signed.
//!
//! A sandbox that sends webhooks needs none of it but [`HookScript::unsigned`]: the suite receives
//! them. For another one, the suite signs these bodies as the ATS would.
//!
//! Left out: a signature over a body that it stands in itself.

use atsync::model::contract::{Algorithm, Encoding, Field};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// Webhooks, as a sandbox describes them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HookScript {
    /// The secret that signs `bodies`.
    pub secret: String,
    /// How the ATS signs.
    pub signature: SignatureScript,
    /// Bodies that name records of the sandbox, one for each event.
    pub bodies: Vec<Map<String, Value>>,
    /// Why a webhook whose data was changed passes, where the ATS does not sign its data.
    pub unsigned: Option<String>,
}

/// How a webhook is signed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SignatureScript {
    /// The algorithm. Default: `hmac-sha256`.
    pub algorithm: AlgorithmScript,
    /// How the signature is written. Default: `hex`.
    pub encoding: EncodingScript,
    /// Where it stands.
    pub at: PlaceScript,
    /// What stands before it.
    pub prefix: String,
    /// What is signed, in this order. Default: the body.
    pub over: Vec<PieceScript>,
    /// Where the time of signing stands, which the suite fills in. Default: the ATS names none.
    pub time: Option<TimeScript>,
}

impl Default for SignatureScript {
    fn default() -> Self {
        Self {
            algorithm: AlgorithmScript::default(),
            encoding: EncodingScript::default(),
            at: PlaceScript::Header("x-signature".to_owned()),
            prefix: String::new(),
            over: vec![PieceScript::Body],
            time: None,
        }
    }
}

/// An algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum AlgorithmScript {
    /// HMAC with SHA-256.
    #[default]
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    /// HMAC with SHA-1.
    #[serde(rename = "hmac-sha1")]
    HmacSha1,
    /// HMAC with SHA-512.
    #[serde(rename = "hmac-sha512")]
    HmacSha512,
    /// The secret itself.
    #[serde(rename = "plain")]
    Plain,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EncodingScript {
    /// Lower-case hexadecimal digits.
    #[default]
    Hex,
    /// Base64 with padding.
    Base64,
}

/// A place in a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PlaceScript {
    /// A header, by its name in any case.
    Header(String),
    /// A member of the body.
    Member(String),
}

/// A part of what is signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PieceScript {
    /// The bytes of the body.
    Body,
    /// A header, by its name in any case.
    Header(String),
    /// A member of the body: a text as it is, any other value as JSON.
    Member(String),
    /// A constant text.
    Text(String),
}

/// The time of signing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeScript {
    /// Where it stands.
    pub at: PlaceScript,
    /// Whether it counts seconds since 1970; else milliseconds.
    #[serde(default)]
    pub in_seconds: bool,
}

/// A webhook as it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its headers, names in lower case.
    pub headers: Vec<Field>,
    /// Its body.
    pub body: Vec<u8>,
}

impl HookScript {
    /// Signs a body at a time.
    pub fn sign(&self, body: &Map<String, Value>, at_ms: u64) -> Delivery {
        let SignatureScript { algorithm, encoding, at, prefix, over, time } = &self.signature;
        let mut body = body.clone();
        let mut headers = vec![Field::new("content-type", "application/json")];
        if let Some(TimeScript { at, in_seconds }) = time {
            let now = if *in_seconds { at_ms / 1000 } else { at_ms };
            match at {
                PlaceScript::Header(name) => headers.push(header(name, now.to_string())),
                PlaceScript::Member(name) => drop(body.insert(name.clone(), json!(now))),
            }
        }
        let bytes = Value::Object(body.clone()).to_string().into_bytes();
        let mut message = Vec::new();
        for piece in over {
            match piece {
                PieceScript::Body => message.extend(&bytes),
                PieceScript::Text(text) => message.extend(text.as_bytes()),
                PieceScript::Header(name) => {
                    let found =
                        headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
                    message.extend(found.map_or(&b""[..], |header| header.value.as_bytes()));
                }
                PieceScript::Member(name) => match body.get(name) {
                    Some(Value::String(text)) => message.extend(text.as_bytes()),
                    Some(other) => message.extend(other.to_string().into_bytes()),
                    None => {}
                },
            }
        }
        let code = code(*algorithm, self.secret.as_bytes(), &message);
        let code = match (algorithm, encoding) {
            (AlgorithmScript::Plain, _) => self.secret.clone(),
            (_, EncodingScript::Hex) => code.iter().map(|byte| format!("{byte:02x}")).collect(),
            (_, EncodingScript::Base64) => STANDARD.encode(code),
        };
        let signature = format!("{prefix}{code}");
        match at {
            PlaceScript::Header(name) => {
                headers.push(header(name, signature));
                Delivery { headers, body: bytes }
            }
            PlaceScript::Member(name) => {
                drop(body.insert(name.clone(), json!(signature)));
                Delivery { headers, body: Value::Object(body).to_string().into_bytes() }
            }
        }
    }
}

/// A header as the engine hands it to an adapter: its name in lower case.
fn header(name: &str, value: String) -> Field {
    Field::new(name.to_ascii_lowercase(), value)
}

fn code(algorithm: AlgorithmScript, key: &[u8], message: &[u8]) -> Vec<u8> {
    let algorithm = match algorithm {
        AlgorithmScript::HmacSha256 => Algorithm::HmacSha256,
        AlgorithmScript::HmacSha1 => Algorithm::HmacSha1,
        AlgorithmScript::HmacSha512 => Algorithm::HmacSha512,
        AlgorithmScript::Plain => Algorithm::Plain,
    };
    mac(algorithm, key, message)
}

/// The code of a message; empty for an algorithm that makes none.
pub(crate) fn mac(algorithm: Algorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    fn made<M: hmac::Mac + hmac::KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
        // HMAC takes keys of any length.
        let Ok(mac) = <M as hmac::KeyInit>::new_from_slice(key) else { return Vec::new() };
        mac.chain_update(message).finalize().into_bytes().to_vec()
    }
    match algorithm {
        Algorithm::HmacSha256 => made::<Hmac<Sha256>>(key, message),
        Algorithm::HmacSha1 => made::<Hmac<Sha1>>(key, message),
        Algorithm::HmacSha512 => made::<Hmac<Sha512>>(key, message),
        Algorithm::Plain => Vec::new(),
    }
}

/// The bytes of a written code; none when it is not well-formed.
pub(crate) fn decoded(text: &str, encoding: Encoding) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Base64 => STANDARD.decode(text).ok(),
        Encoding::Hex => {
            let digits: Option<Vec<u8>> = text
                .chars()
                .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
                .collect();
            let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
            rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
        }
    }
}
