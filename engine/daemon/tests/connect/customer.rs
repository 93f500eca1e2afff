//! A server with a key to seal secrets and an OAuth client, a host that makes links, and the
//! browser of a customer's administrator.

use crate::cli_support::Site;
use crate::serve_support::{Answer, SEAL, Served, exchange};
use atsync_greenhouse_sandbox::PartnerClient;
use serde_json::{Value, json};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;

pub(crate) const CLIENT: &str = "vendor-client";
pub(crate) const CLIENT_SECRET: &str = "vendor-secret-of-the-host";

/// A running server, and all that it logs.
pub(crate) struct Vendor {
    pub(crate) served: Served,
    pub(crate) log: Arc<Mutex<String>>,
}

impl Vendor {
    pub(crate) async fn start(table: &str) -> Self {
        Self::start_at(Site::start().await, table).await
    }

    /// Starts it with a client, whose redirect URI is the one that the server has.
    pub(crate) async fn with_client() -> Self {
        Self::start(&client_table("")).await
    }

    pub(crate) async fn start_at(site: Site, table: &str) -> Self {
        site.write(
            "acme.toml",
            &format!(
                "store = \"acme.redb\"\n\n[serve]\nlisten = \"127.0.0.1:0\"\n\
                 seal_key = {{ env = \"SEAL\" }}\nallow_private_network = true\n{table}"
            ),
        );
        let mut command = site.command(&["-vv", "serve"]);
        command.env("SEAL", SEAL).env("CLIENT_SECRET", CLIENT_SECRET);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut notes = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let address = loop {
            let line = notes.next_line().await.unwrap().unwrap();
            if let Some((_, address)) = line.split_once("http://") {
                break address.to_owned();
            }
        };
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = notes.next_line().await {
                kept.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let back = format!("http://{address}/connect/callback");
        let client = PartnerClient::new(CLIENT, CLIENT_SECRET, &back);
        site.sandbox().set_partner(client);
        Self { served: Served { site, child, address, said: Arc::clone(&log) }, log }
    }

    /// The body of a new link to the sandbox.
    pub(crate) fn link(&self, connection: &str) -> Value {
        let url = self.served.site.running.base_url();
        json!({
            "connection": connection,
            "adapter": "greenhouse",
            "origins": { "api": url, "auth": url },
            "allow_private_network": true,
            "return_url": "https://host.example/settings?done=1",
            "theme": { "name": "Acme Referrals", "colour": "#ff8800" },
        })
    }

    /// Makes a link, and returns its path.
    pub(crate) async fn linked(&self, connection: &str) -> String {
        let body = self.link(connection).to_string();
        let made = self.served.post("/v1/connect-links", &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let url = made.json()["url"].as_str().unwrap().to_owned();
        url.strip_prefix(&format!("http://{}", self.served.address)).unwrap().to_owned()
    }

    pub(crate) async fn connection(&self, name: &str) -> Answer {
        self.served.get(&format!("/v1/connections/{name}")).await
    }

    /// Waits for the first pull of a connection.
    pub(crate) async fn pulled(&self, name: &str) {
        let path = format!("/v1/connections/{name}/changes?after=0&wait=30");
        let mut feed = self.served.get(&path).await;
        // A server that has just started serves before its connections are open.
        while feed.status != 200 {
            feed = self.served.get(&path).await;
        }
        assert!(!feed.json()["changes"].as_array().unwrap().is_empty(), "{feed:?}");
    }

    /// Kills the process, and starts it again.
    pub(crate) async fn killed(mut self, table: &str) -> Self {
        self.served.child.kill().await.unwrap();
        Self::start_at(self.served.site, table).await
    }

    /// Asserts that none of these texts is in the store or the log.
    pub(crate) fn hides(&self, secrets: &[&str]) {
        let stored = std::fs::read(self.served.site.path("acme.redb")).unwrap();
        let log = self.log.lock().unwrap().clone();
        for secret in secrets {
            let is_stored = stored.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!is_stored, "{secret:?} is in the store");
            assert!(!log.contains(secret), "{secret:?} is in the log");
        }
    }
}

/// The table of the client.
pub(crate) fn client_table(scopes: &str) -> String {
    format!(
        "clients.vendor = {{ adapter = \"greenhouse\", client_id = \"{CLIENT}\", \
         client_secret = {{ env = \"CLIENT_SECRET\" }}{scopes} }}\n"
    )
}

/// A browser: its cookies, and what it sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Browser {
    cookies: Vec<String>,
}

fn encoded(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The value of an attribute's first appearance after a text.
fn after(body: &str, text: &str) -> String {
    let (_, rest) = body.split_once(text).unwrap_or_else(|| panic!("no {text} in {body}"));
    rest.split('"').next().unwrap().replace("&amp;", "&")
}

pub(crate) fn location(answer: &Answer) -> String {
    let found = answer.head.lines().find_map(|line| line.strip_prefix("location: "));
    found.unwrap_or_else(|| panic!("no redirect: {answer:?}")).to_owned()
}

impl Browser {
    pub(crate) async fn get(&mut self, vendor: &Vendor, path: &str) -> Answer {
        let answer = vendor.served.ask(&format!("GET {path}"), &self.header(), "").await;
        self.keep(&answer);
        answer
    }

    fn header(&self) -> String {
        if self.cookies.is_empty() {
            return String::new();
        }
        format!("cookie: {}\r\n", self.cookies.join("; "))
    }

    fn keep(&mut self, answer: &Answer) {
        let set = answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
        for cookie in set {
            self.cookies.push(cookie.split(';').next().unwrap().to_owned());
        }
    }

    /// Sends a form of the page at a link as the page does.
    pub(crate) async fn send(
        &mut self,
        vendor: &Vendor,
        link: &str,
        form: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let page = self.get(vendor, link).await;
        let proof = after(&page.body, "name=\"csrf\" value=\"");
        self.send_with(vendor, &format!("{link}{form}"), &proof, fields).await
    }

    /// The same with this value as proof.
    pub(crate) async fn send_with(
        &mut self,
        vendor: &Vendor,
        path: &str,
        proof: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let proof = ("csrf", proof);
        let fields = std::iter::once(&proof).chain(fields);
        let body: Vec<String> =
            fields.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let headers = format!(
            "{}origin: http://{}\r\ncontent-type: application/x-www-form-urlencoded\r\n",
            self.header(),
            vendor.served.address
        );
        let answer = vendor.served.ask(&format!("POST {path}"), &headers, &body.join("&")).await;
        self.keep(&answer);
        answer
    }

    /// Gives a credential, and returns the page that it leads to.
    pub(crate) async fn give(&mut self, vendor: &Vendor, link: &str, secret: &str) -> Answer {
        let fields = [("client_id", "sandbox"), ("secret", secret)];
        let answer = self.send(vendor, link, "/credential", &fields).await;
        self.follow(vendor, answer).await
    }

    pub(crate) async fn follow(&mut self, vendor: &Vendor, answer: Answer) -> Answer {
        if answer.status != 303 {
            return answer;
        }
        let to = location(&answer);
        self.get(vendor, &to).await
    }

    /// Begins a consent, decides in the ATS, and returns the path that it sends the browser to.
    pub(crate) async fn decided(&mut self, vendor: &Vendor, link: &str, decision: &str) -> String {
        let begun = self.send(vendor, link, "/consent", &[]).await;
        self.continued(vendor, begun, decision).await
    }

    /// The same from a page that carries this value, with a decision to allow it.
    pub(crate) async fn allowed_with(
        &mut self,
        vendor: &Vendor,
        link: &str,
        proof: &str,
    ) -> String {
        let begun = self.send_with(vendor, &format!("{link}/consent"), proof, &[]).await;
        self.continued(vendor, begun, "allow").await
    }

    async fn continued(&mut self, vendor: &Vendor, begun: Answer, decision: &str) -> String {
        let page = self.follow(vendor, begun).await;
        let url = after(&page.body, "class=\"button\" href=\"");
        let ats = vendor.served.site.running.base_url().to_string();
        let query = url.split_once('?').unwrap().1.to_owned();
        let address = ats.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
        let body = format!("{query}&decision={decision}&acts_as=service_account");
        let stream = TcpStream::connect(&address).await.unwrap();
        let headers =
            format!("host: {address}\r\ncontent-type: application/x-www-form-urlencoded\r\n");
        let answer = exchange_with_case(stream, &headers, &body).await;
        let here = format!("http://{}", vendor.served.address);
        answer.strip_prefix(&here).unwrap().to_owned()
    }
}

/// The redirect of the ATS. A header's value keeps its letters here: a code is in it.
async fn exchange_with_case(stream: TcpStream, headers: &str, body: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = stream;
    let length = body.len();
    let text = format!(
        "POST /authorize HTTP/1.1\r\n{headers}connection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.lines();
    let found = lines.find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("location").then(|| value.to_owned())
    });
    found.unwrap_or_else(|| panic!("no redirect: {text}"))
}

/// What no other process of the test's machine would ask.
pub(crate) async fn raw(vendor: &Vendor, line: &str, headers: &str) -> Answer {
    let stream = TcpStream::connect(&vendor.served.address).await.unwrap();
    exchange(stream, line, headers, "").await
}
