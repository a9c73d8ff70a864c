//! Mail for a new password.

use serde_json::json;
use tempfile::tempdir;

use super::{Server, Start};

async fn ask(server: &Server, email: &str) {
    let body = json!({"email": email});
    let answer = server.post("/api/auth/forgot-password", "", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
}

/// Sets a new password for ada by a link.
async fn use_link(server: &Server, link: &str) {
    let (page, token) = link.split_once('#').unwrap();
    assert_eq!(page, format!("{}/reset-password", server.url));
    let reset = json!({"token": token, "password": "another-staple"});
    for status in [200, 400] {
        let answer = server.post("/api/auth/reset-password", "", &reset).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let answer = server.login("ada@example.com", "another-staple").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn link_is_logged_if_that_is_chosen() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path()).with("SMTP_URL", "log");
    let server = start.server().await;
    server.register("ada@example.com").await;
    ask(&server, "eve@example.com").await;
    ask(&server, "ada@example.com").await;
    let log = server.wait_for_log("link=", 1).await;
    assert!(!log.contains("eve@example.com"), "{log}");
    let (_, link) = log.split_once("link=\"").unwrap();
    use_link(&server, link.split('"').next().unwrap()).await;
    let page = server.get("/forgot-password", "").await;
    assert_eq!(page.status, 200);
}

#[tokio::test]
async fn new_account_verifies_its_address_if_enabled() {
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path())
        .with("SMTP_URL", "log")
        .with("EMAIL_VERIFICATION", "before-approval");
    let server = start.server().await;
    server.register("ada@example.com").await;
    let log = server.wait_for_log("link=", 1).await;
    let (_, link) = log.split_once("link=\"").unwrap();
    let (page, token) = link.split('"').next().unwrap().split_once('#').unwrap();
    assert_eq!(page, format!("{}/verify-email", server.url));
    // A mail server that opens the link verifies nothing.
    assert_eq!(server.get("/verify-email", "").await.status, 200);
    let ada = server.token("ada@example.com").await;
    let is_verified = async || {
        let me = server.me(&ada).await.json();
        me.get("email_verified_at").is_some()
    };
    assert!(!is_verified().await);
    for status in [200, 400] {
        let body = json!({"token": token});
        let answer = server.post("/api/auth/verify-email", "", &body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    assert!(is_verified().await);
    server.register("bob@example.com").await;
    let users = server.get("/api/auth/users", &ada).await.json();
    assert_eq!(users.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn without_mail_there_is_no_route() {
    let directory = tempdir().unwrap();
    let server = Start::in_directory(directory.path()).server().await;
    let body = json!({"email": "ada@example.com"});
    let answer = server.post("/api/auth/forgot-password", "", &body).await;
    assert_eq!(answer.status, 404);
    for page in ["/forgot-password", "/verify-email"] {
        assert_eq!(server.get(page, "").await.status, 404);
    }
}

#[cfg(feature = "smtp")]
#[tokio::test]
async fn link_is_sent_by_smtp() {
    use std::net::TcpListener;
    use std::process::Stdio;
    use std::time::Duration;

    use serde_json::Value;
    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio::process::Command;
    use tokio::time::timeout;

    let Some(python) = std::env::var_os("INTEROP_PYTHON") else {
        println!("skipped: INTEROP_PYTHON names no interpreter with aiosmtpd");
        return;
    };
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let directory = tempdir().unwrap();
    let start = Start::in_directory(directory.path())
        .with("SMTP_URL", format!("smtp://127.0.0.1:{port}"))
        .with("MAIL_FROM", "Login <login@example.com>")
        .with("PRODUCT_NAME", "Ada & Söhne");
    let server = start.server().await;
    server.register("ada@example.com").await;
    // The mail server is away at first.
    ask(&server, "ada@example.com").await;

    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/interop/smtp_server.py"
    );
    let mut smtp = Command::new(python)
        .arg(script)
        .arg(port.to_string())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(smtp.stdout.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "ready");
    let mail = timeout(Duration::from_secs(60), lines.next_line()).await;
    let mail: Value = serde_json::from_str(&mail.unwrap().unwrap().unwrap()).unwrap();
    assert_eq!(mail["from"], "login@example.com");
    assert_eq!(mail["to"], json!(["ada@example.com"]));
    assert_eq!(mail["sender"], "Login <login@example.com>");
    assert_eq!(mail["subject"], "New password for Ada & Söhne");
    let text = mail["text"].as_str().unwrap();
    let link = text.lines().find(|line| line.starts_with("http")).unwrap();
    use_link(&server, link).await;
    let (_, token) = link.split_once('#').unwrap();
    assert!(!server.log().contains(token));
}
