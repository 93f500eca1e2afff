//! `atsync top`, as text.

use crate::cli_support::{Site, finish};
use crate::serve_support::{OTHER, Served, TOKEN};

const TOKENS: &str = "tokens.ci = { secret = { env = \"TOKEN\" }, scope = \"read\" }\n";

#[tokio::test]
async fn the_table_has_the_figures_of_metrics_through_the_socket_and_over_an_address() {
    let served = Served::start(TOKENS).await;
    let site = &served.site;
    let once = site.run(&["top", "--once"]).await;
    assert_eq!(once.code, 0, "{once:?}");
    let lines: Vec<&str> = once.out.lines().collect();
    assert!(lines[0].ends_with("1 connection, 0 failing"), "{once:?}");
    assert!(lines[2].starts_with("CONNECTION  STATE  LAG"), "{once:?}");
    let cells: Vec<&str> = lines[3].split_whitespace().collect();
    assert_eq!(cells[..2], ["acme", "ok"], "{once:?}");
    // Backlog, writes in doubt and their age; then budget, calls and answers with 429.
    assert_eq!((cells[3..6].to_vec(), cells[8]), (vec!["0", "0", "-"], "0"), "{once:?}");
    assert!(cells[6..8].iter().all(|cell| cell.parse::<u64>().unwrap() > 0), "{once:?}");

    let url = format!("http://{}", served.address);
    let with = |token: Option<&str>| {
        let mut command = site.command(&["top", "--once", "--url", &url]);
        token.map(|token| command.env("ATSYNC_TOKEN", token));
        finish(command)
    };
    let over = with(Some(TOKEN)).await;
    assert!(over.code == 0 && over.out.contains("acme        ok"), "{over:?}");
    for token in [None, Some(OTHER)] {
        let refused = with(token).await;
        assert_eq!(refused.code, 1);
        let error = refused.error();
        assert!(error.contains("ATSYNC_TOKEN") && !error.contains(OTHER), "{refused:?}");
    }
}

#[tokio::test]
async fn without_a_terminal_or_a_process_it_says_what_to_do() {
    let served = Served::start("").await;
    let piped = served.site.run(&["top"]).await;
    assert_eq!((piped.code, piped.out.as_str()), (1, ""));
    assert!(piped.error().contains("atsync top --once"), "{piped:?}");
    let (_, site) = served.ended().await;
    let alone = site.run(&["top", "--once"]).await;
    assert_eq!(alone.code, 1);
    assert!(alone.error().contains("start `atsync serve`"), "{alone:?}");
    let other = Site::start().await.run(&["top", "--once", "--url", "ftp://a"]).await;
    assert!(other.error().contains("--url is an address"), "{other:?}");
}

/// A web server that answers every request with this page.
async fn page(text: &'static str) -> String {
    let app = axum::Router::new().fallback(async move || text);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_an_error_that_says_what_to_do() {
    let url = page("<title>Sign in to the proxy</title>").await;
    let wrong = Site::start().await.run(&["top", "--once", "--url", &url]).await;
    assert_eq!((wrong.code, wrong.out.as_str()), (1, ""), "{wrong:?}");
    let error = wrong.error();
    assert!(error.contains("JSON") && error.contains("--url"), "{wrong:?}");
}
