//! Commands on accounts, beside running servers.

use std::process::Stdio;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::tempdir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::sleep;

use super::{Finished, PASSWORD, Server, Start};
use crate::support::{Place, redis_url};

/// Runs a command on the accounts in this location, with this text on standard input.
async fn run(place: &Place, arguments: &[&str], input: &str) -> Finished {
    Start::at(place).run_with_input(arguments, input).await
}

async fn create_admin(place: &Place, email: &str) {
    let arguments = ["create-admin", email, "--password-stdin"];
    run(place, &arguments, &format!("{PASSWORD}\n"))
        .await
        .output();
}

/// Starts a server with ada, an admin, and returns her token.
async fn started(place: &Place) -> (Server, String) {
    create_admin(place, "ada@example.com").await;
    let server = Start::at(place).server().await;
    let token = server.token("ada@example.com").await;
    (server, token)
}

/// Registers bob, who is approved by the command, and returns his token.
async fn add_bob(place: &Place, server: &Server) -> String {
    server.register("bob@example.com").await;
    run(place, &["set-status", "bob@example.com", "approved"], "")
        .await
        .output();
    server.token("bob@example.com").await
}

#[tokio::test]
async fn create_admin_makes_an_approved_admin() {
    let place = Place::shared().await;
    // Before the first start, and beside a server.
    let (server, token) = started(&place).await;
    create_admin(&place, "Eve@Example.com").await;
    let users = server.get("/api/auth/users", &token).await.json();
    let users = users.as_array().unwrap();
    assert_eq!(users.len(), 2);
    for (user, email) in users.iter().zip(["eve@example.com", "ada@example.com"]) {
        let expected = (&json!(email), &json!("approved"), &json!(true));
        let found = (&user["email"], &user["status"], &user["is_admin"]);
        assert_eq!(found, expected);
    }
    server.token("eve@example.com").await;
}

#[tokio::test]
async fn generated_password_is_printed_on_request() {
    let place = Place::shared().await;
    let (server, _) = started(&place).await;
    let token = add_bob(&place, &server).await;
    for command in ["reset-password", "create-admin"] {
        let output = run(&place, &[command, "bob@example.com", "--generate"], "")
            .await
            .output();
        let password = output.lines().last().unwrap();
        let password = password.strip_prefix("password: ").unwrap();
        assert!(password.len() >= 22, "{password}");
        assert_eq!(server.login("bob@example.com", password).await.status, 200);
        assert_eq!(server.login("bob@example.com", PASSWORD).await.status, 401);
        assert_eq!(server.me(&token).await.status, 401);
    }
}

/// Neither is a piped password ignored, nor is another one printed into the log of a job.
#[tokio::test]
async fn password_without_a_source_is_a_usage_error() {
    let place = Place::shared().await;
    let (server, token) = started(&place).await;
    for command in ["reset-password", "create-admin"] {
        for email in ["ada@example.com", "eve@example.com"] {
            let finished = run(&place, &[command, email], "another-staple\n").await;
            finished.assert_is_usage_error();
            for flag in ["--password-stdin", "--generate"] {
                assert!(finished.stderr.contains(flag), "{}", finished.stderr);
            }
        }
    }
    assert_eq!(server.me(&token).await.status, 200);
    let users = server.get("/api/auth/users", &token).await.json();
    assert_eq!(users.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn create_admin_replaces_the_password_of_an_account() {
    let place = Place::shared().await;
    let (server, _) = started(&place).await;
    let token = add_bob(&place, &server).await;
    let arguments = ["create-admin", "bob@example.com", "--password-stdin"];
    run(&place, &arguments, "another-staple").await.output();

    assert_eq!(server.me(&token).await.status, 401);
    assert_eq!(server.login("bob@example.com", PASSWORD).await.status, 401);
    let answer = server.login("bob@example.com", "another-staple").await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(server.get("/api/auth/users", &token).await.status, 200);
}

#[tokio::test]
async fn reset_password_revokes_tokens_and_sessions() {
    let place = Place::shared().await;
    started(&place).await;
    let server = Start::at(&place).with("SESSIONS", "on").server().await;
    add_bob(&place, &server).await;
    let answer = server.login("bob@example.com", PASSWORD).await.json();
    let token = answer["access_token"].as_str().unwrap();
    let arguments = ["reset-password", "bob@example.com", "--password-stdin"];
    run(&place, &arguments, "white space \r\nignored")
        .await
        .output();

    assert_eq!(server.me(token).await.status, 401);
    assert_eq!(refresh(&server, &answer).await, 401);
    let answer = server.login("bob@example.com", "white%20space%20").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn reset_password_can_demand_another_one() {
    let place = Place::shared().await;
    let (server, _) = started(&place).await;
    add_bob(&place, &server).await;
    let reset = [
        "reset-password",
        "bob@example.com",
        "--password-stdin",
        "--must-change",
    ];
    run(&place, &reset, "another-staple").await.output();
    let answer = server.login("bob@example.com", "another-staple").await;
    assert_eq!(answer.status, 403);
    let answer = answer.json();
    assert_eq!(answer["code"], "password_change_required");
    let change = json!({"token": answer["token"], "password": "battery-staple"});
    let changed = server.post("/api/auth/reset-password", "", &change).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let answer = server.login("bob@example.com", "battery-staple").await;
    assert_eq!(answer.status, 200);
    let both = [
        "reset-password",
        "bob@example.com",
        "--link",
        "--must-change",
    ];
    run(&place, &both, "").await.assert_is_usage_error();
    // Without the flag the password stays.
    run(&place, &reset, "another-staple").await.output();
    run(&place, &reset[..3], "a-third-staple").await.output();
    let answer = server.login("bob@example.com", "a-third-staple").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn reset_link_is_printed_and_works_once() {
    let place = Place::shared().await;
    let (server, _) = started(&place).await;
    let token = add_bob(&place, &server).await;
    let link = ["reset-password", "bob@example.com", "--link"];
    let output = run(&place, &link, "").await.output();
    let url = output.lines().last().unwrap();
    let (page, secret) = url.split_once('#').unwrap();
    assert!(page.starts_with("http://127.0.0.1:") && page.ends_with("/reset-password"));
    // Nothing has changed yet.
    assert_eq!(server.me(&token).await.status, 200);

    let reset = json!({"token": secret, "password": "another-staple"});
    for status in [200, 400] {
        let answer = server.post("/api/auth/reset-password", "", &reset).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    assert_eq!(server.me(&token).await.status, 401);
    assert_eq!(
        server
            .login("bob@example.com", "another-staple")
            .await
            .status,
        200
    );
    assert!(!server.log().contains(secret));

    let elsewhere = Start::at(&place).with("PUBLIC_ORIGIN", "https://login.example.com");
    let output = elsewhere.run(&link).await.output();
    assert!(
        output.contains("\nhttps://login.example.com/reset-password#"),
        "{output}"
    );
    let both = ["reset-password", "bob@example.com", "--link", "--generate"];
    run(&place, &both, "").await.assert_is_usage_error();
    run(&place, &["set-status", "bob@example.com", "disabled"], "")
        .await
        .output();
    let error = run(&place, &link, "").await.error();
    assert!(error.contains("not approved"), "{error}");
}

#[tokio::test]
async fn invitation_link_is_printed_and_works_once() {
    let place = Place::shared().await;
    let (server, token) = started(&place).await;
    let invite = ["invite", "bob@example.com", "--admin"];
    let output = run(&place, &invite, "").await.output();
    let url = output.lines().last().unwrap();
    let (page, secret) = url.split_once('#').unwrap();
    assert!(page.starts_with("http://127.0.0.1:") && page.ends_with("/accept-invitation"));
    let list = ["list-users", "--status", "pending"];
    let listed = run(&place, &list, "").await.output();
    assert!(listed.contains("\tnot activated\tadmin\t"), "{listed}");
    let approve = ["set-status", "bob@example.com", "approved"];
    let error = run(&place, &approve, "").await.error();
    assert!(error.contains("password"), "{error}");

    let password = json!({"token": secret, "password": "another-staple"});
    for status in [200, 400] {
        let path = "/api/auth/accept-invitation";
        let answer = server.post(path, "", &password).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let answer = server.login("bob@example.com", "another-staple").await;
    assert_eq!(answer.status, 200);
    assert!(!server.log().contains(secret));
    let error = run(&place, &invite, "").await.error();
    assert!(error.contains("already registered"), "{error}");
    assert_eq!(server.me(&token).await.status, 200);
}

#[tokio::test]
async fn invalid_new_passwords_are_rejected() {
    let place = Place::shared().await;
    let (server, token) = started(&place).await;
    for command in ["create-admin", "reset-password"] {
        for password in ["", "short", "password", "ada@example.com", &"x".repeat(129)] {
            let arguments = [command, "ada@example.com", "--password-stdin"];
            let error = run(&place, &arguments, password).await.error();
            assert!(password != "short" || error.contains('8'), "{error}");
        }
    }
    assert_eq!(server.me(&token).await.status, 200);
}

#[tokio::test]
async fn set_status_takes_effect_at_once_and_keeps_an_admin() {
    let place = Place::shared().await;
    let (server, admin) = started(&place).await;
    let token = add_bob(&place, &server).await;
    assert_eq!(server.me(&token).await.status, 200);
    let disable = ["set-status", "bob@example.com", "disabled"];
    run(&place, &disable, "").await.output();
    assert_eq!(server.me(&token).await.status, 401);
    // The token stays revoked.
    let approve = ["set-status", "bob@example.com", "approved"];
    run(&place, &approve, "").await.output();
    assert_eq!(server.me(&token).await.status, 401);

    for status in ["disabled", "pending"] {
        let arguments = ["set-status", "ada@example.com", status];
        let error = run(&place, &arguments, "").await.error();
        assert!(error.contains("last admin"), "{error}");
    }
    assert_eq!(server.me(&admin).await.status, 200);
}

#[tokio::test]
async fn concurrent_commands_keep_one_admin() {
    let place = Place::shared().await;
    let names = ["ada", "bob", "cid", "dan"].map(|name| format!("{name}@example.com"));
    for name in &names {
        create_admin(&place, name).await;
    }
    let disable = names
        .iter()
        .map(async |name| run(&place, &["set-status", name, "disabled"], "").await);
    let finished = join_all(disable).await;
    let failed = finished.iter().filter(|it| it.code == Some(1)).count();
    assert_eq!(failed, 1, "{finished:?}");
    let admins = run(&place, &["list-users", "--status", "approved"], "").await;
    assert_eq!(admins.output().lines().count(), 1);
}

#[tokio::test]
async fn list_users_prints_columns_and_json() {
    let place = Place::shared().await;
    let (server, _) = started(&place).await;
    server.register("bob@example.com").await;
    assert_eq!(server.login("ada@example.com", PASSWORD).await.status, 200);
    // Its last events are written before it ends.
    server.stop().await;
    let list = async |arguments: &[&str]| {
        let output = run(&place, arguments, "").await.output();
        output.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let lines = list(&["list-users"]).await;
    let rows: Vec<Vec<_>> = lines
        .iter()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0][1..3], ["pending", "user"]);
    assert_eq!(rows[0][4], "bob@example.com");
    assert_eq!(rows[0][5..], ["-", "-"]);
    assert_eq!(rows[1][1..3], ["approved", "admin"]);
    assert!(
        rows[1][5] >= rows[1][3] && rows[1][5].ends_with('Z'),
        "{rows:?}"
    );

    let json = list(&["list-users", "--json", "--status", "pending"]).await;
    assert_eq!(json.len(), 1);
    let user: Value = serde_json::from_str(&json[0]).unwrap();
    assert_eq!(user["email"], "bob@example.com");
    assert_eq!(user["last_login_at"], Value::Null);
    assert_eq!(user.as_object().unwrap().len(), 6);
    let json = list(&["list-users", "--json", "--status", "approved"]).await;
    let user: Value = serde_json::from_str(&json[0]).unwrap();
    assert!(user["last_login_at"].is_string(), "{user}");
}

#[tokio::test]
async fn revoke_tokens_ends_tokens_and_sessions() {
    let place = Place::shared().await;
    started(&place).await;
    let server = Start::at(&place).with("SESSIONS", "on").server().await;
    add_bob(&place, &server).await;
    let log_in = async |name: &str| server.login(name, PASSWORD).await.json();
    let [ada, bob] = [
        log_in("ada@example.com").await,
        log_in("bob@example.com").await,
    ];
    let me = async |answer: &Value| {
        let token = answer["access_token"].as_str().unwrap();
        server.me(token).await.status.as_u16()
    };

    run(&place, &["revoke-tokens", "bob@example.com"], "")
        .await
        .output();
    assert_eq!((me(&ada).await, me(&bob).await), (200, 401));
    let bob = log_in("bob@example.com").await;
    run(&place, &["revoke-tokens", "--all"], "").await.output();
    for answer in [ada, bob] {
        assert_eq!(me(&answer).await, 401);
        assert_eq!(refresh(&server, &answer).await, 401);
    }
    assert_eq!(me(&log_in("ada@example.com").await).await, 200);
}

#[tokio::test]
async fn imported_users_log_in_with_their_old_passwords() {
    let place = Place::shared().await;
    let (server, admin) = started(&place).await;
    // Of `correct-horse-battery`, by Django, Werkzeug and bcrypt.
    let csv = "email,hashed_password,status,is_admin,created_at\r\n\
        Ann@Example.com,pbkdf2_sha256$10$salt$xBJGGWGaTHSRNKvbS1sClQ55O2/+BS8HO/foP8SUuP4=,approved,1,2024-05-01T12:00:00Z\r\n\
        ben@example.com,scrypt:1024:8:1$saltSALT$a67bb143fda41e1eff55df2c8b3ce449ef9570f8bbd9bedecf308a532d6c7882eb6b1db2922ff3258c438c99d57e3386e4ac46f952e906c037ec91dd8754a10b,approved,0,\r\n\
        cleo@example.com,$2b$04$lH8rI1yHtLBEbe.91hfCA.WEg.RpLxhsxjRdzstBnIBwnwlYNww8y,disabled,t,\r\n\
        dora@example.com,!unusable,approved,,\r\n\
        ada@example.com,another,disabled,,\r\n";
    let jsonl = "{\"email\": \"fay@example.com\", \"hashed_password\": \"$2b$04$lH8rI1yHtLBEbe.91hfCA.WEg.RpLxhsxjRdzstBnIBwnwlYNww8y\", \"status\": \"approved\"}\n";
    for (file, text) in [("users.csv", csv), ("users.jsonl", jsonl)] {
        let path = place.path().join(file);
        tokio::fs::write(&path, text).await.unwrap();
        let path = path.to_str().unwrap();
        let dry = run(&place, &["import", path, "--dry-run"], "").await;
        let dry = dry.output();
        assert_eq!(server.login("fay@example.com", PASSWORD).await.status, 401);
        let done = run(&place, &["import", path], "").await.output();
        assert_eq!(dry.replace("dry run: nothing is changed\n", ""), done);
        let again = run(&place, &["import", path], "").await.output();
        assert!(again.contains("imported: 0\n"), "{again}");
        if file == "users.csv" {
            for line in [
                "imported: 4\n",
                "renewed at log-in: 3\n",
                "cannot be read: 1\n",
                "existing, left as they are: 1\n",
                "refused: 0\n",
                "line 5: the hash cannot be read",
                "line 6: the account exists",
            ] {
                assert!(done.contains(line), "{done}");
            }
        }
    }
    for (name, status) in [
        ("ann", 200),
        ("ben", 200),
        ("cleo", 403),
        ("dora", 401),
        ("fay", 200),
    ] {
        let email = format!("{name}@example.com");
        assert_eq!(
            server.login(&email, PASSWORD).await.status,
            status,
            "{name}"
        );
        // A hash that was replaced.
        assert_eq!(
            server.login(&email, PASSWORD).await.status,
            status,
            "{name}"
        );
        assert_eq!(server.login(&email, "wrong-password").await.status, 401);
    }
    assert_eq!(server.me(&admin).await.status, 200, "ada is as before");
    let ann = server.token("ann@example.com").await;
    let users = server.get("/api/auth/users", &ann).await.json();
    let users = users.as_array().unwrap();
    assert_eq!(users.len(), 6);
    let ann = users.iter().find(|user| user["email"] == "ann@example.com");
    assert_eq!(ann.unwrap()["created_at"], "2024-05-01T12:00:00Z");
    let dora = users
        .iter()
        .find(|user| user["email"] == "dora@example.com");
    let id = format!("id={}", dora.unwrap()["id"]);
    let log = server.stop().await;
    let mut lines = log.lines().filter(|line| line.contains("cannot be read"));
    // Once a minute, whatever the number of log-ins.
    let line = lines.next().unwrap();
    assert!(
        line.contains(&id) && line.contains("reset its password"),
        "{line}"
    );
    assert_eq!(lines.next(), None);
}

#[tokio::test]
async fn refused_lines_and_unknown_files_fail_the_import() {
    let place = Place::shared().await;
    let (server, _) = started(&place).await;
    let path = |file: &str| place.path().join(file).to_str().unwrap().to_owned();
    let csv = "email,hashed_password\njane,hash\nann@example.com,hash\nANN@example.com,hash\n";
    tokio::fs::write(path("users.csv"), csv).await.unwrap();
    let done = run(&place, &["import", &path("users.csv")], "").await;
    assert_eq!(done.code, Some(1), "{done:?}");
    for line in ["line 2: ", "line 4: ", "imported: 1\n", "refused: 2\n"] {
        assert!(done.stdout.contains(line), "{}", done.stdout);
    }
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);

    tokio::fs::write(path("users.txt"), csv).await.unwrap();
    tokio::fs::write(path("wrong.csv"), "name,hash\n")
        .await
        .unwrap();
    for file in ["users.txt", "wrong.csv", "missing.jsonl"] {
        let error = run(&place, &["import", &path(file)], "").await.error();
        assert!(error.contains(file), "{error}");
    }
    run(&place, &["import"], "").await.assert_is_usage_error();
    drop(server);
}

async fn refresh(server: &Server, answer: &Value) -> u16 {
    let body = json!({"refresh_token": answer["refresh_token"]});
    let answer = server.post("/api/auth/refresh", "", &body).await;
    answer.status.as_u16()
}

#[tokio::test]
async fn migrate_creates_the_tables() {
    let place = Place::shared().await;
    for _ in 0..2 {
        run(&place, &["migrate"], "").await.output();
    }
    assert_eq!(run(&place, &["list-users"], "").await.output(), "");
}

#[tokio::test]
async fn unknown_account_is_an_error() {
    let place = Place::shared().await;
    run(&place, &["migrate"], "").await.output();
    for arguments in [
        &["reset-password", "eve@example.com", "--generate"][..],
        &["set-status", "eve@example.com", "approved"],
        &["revoke-tokens", "eve@example.com"],
    ] {
        let error = run(&place, arguments, "").await.error();
        assert!(error.contains("eve@example.com"), "{error}");
    }
}

#[tokio::test]
async fn invalid_arguments_are_usage_errors() {
    let directory = tempdir().unwrap();
    for arguments in [
        &["serv"][..],
        &["--unknown"],
        &["serve", "extra"],
        &["--config"],
        &["create-admin"],
        &["create-admin", "not an address"],
        &["create-admin", "ada@example.com", "a-password"],
        &[
            "create-admin",
            "ada@example.com",
            "--password",
            "a-password",
        ],
        &["create-admin", "ada@example.com"],
        &["reset-password", "ada@example.com"],
        &[
            "create-admin",
            "ada@example.com",
            "--password-stdin",
            "--generate",
        ],
        &["set-status", "ada@example.com", "banned"],
        &["list-users", "--status", "banned"],
        &["revoke-tokens"],
        &["revoke-tokens", "ada@example.com", "--all"],
    ] {
        let start = Start::in_directory(directory.path());
        start.run(arguments).await.assert_is_usage_error();
    }
    assert!(directory.path().read_dir().unwrap().next().is_none());
}

#[tokio::test]
async fn help_lists_commands_and_variables() {
    let directory = tempdir().unwrap();
    let start = || Start::in_directory(directory.path());
    let help = start().run(&["--help"]).await.output();
    for variable in tower_warder_server::settings::VARIABLES {
        assert!(help.contains(variable.name), "{}", variable.name);
    }
    for command in ["serve", "migrate", "create-admin", "check-config"] {
        assert!(help.contains(command), "{command}");
    }
    let version = start().run(&["--version"]).await.output();
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
}

#[tokio::test]
async fn command_without_a_database_creates_none() {
    let directory = tempdir().unwrap();
    for arguments in [
        &["list-users"][..],
        &["reset-password", "ada@example.com", "--generate"],
        &["set-status", "ada@example.com", "approved"],
        &["revoke-tokens", "--all"],
    ] {
        let start = || Start::in_directory(directory.path());
        let error = start().run(arguments).await.error();
        assert!(error.starts_with("DATABASE_URL: "), "{error}");
        let memory = start().with("DATABASE_URL", "sqlite::memory:");
        let error = memory.run(arguments).await.error();
        assert!(error.starts_with("DATABASE_URL: "), "{error}");
    }
    assert!(directory.path().read_dir().unwrap().next().is_none());
}

#[tokio::test]
async fn commands_need_no_keys() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let start = || Start::at(&place).without("JWT_SECRET");
    start().run(&["migrate"]).await.output();
    start().run(&["list-users"]).await.output();
}

#[tokio::test]
async fn trace_log_of_a_command_contains_no_password() {
    let place = Place::shared().await;
    let start = Start::at(&place).with("RUST_LOG", "trace");
    let arguments = ["create-admin", "ada@example.com", "--password-stdin"];
    let finished = start.run_with_input(&arguments, PASSWORD).await;
    assert_eq!(finished.code, Some(0));
    assert!(finished.stderr.contains("TRACE"));
    for secret in [PASSWORD, "argon2id$"] {
        assert!(!finished.stderr.contains(secret), "{}", finished.stderr);
        assert!(!finished.stdout.contains(secret), "{}", finished.stdout);
    }
}

#[tokio::test]
async fn command_invalidates_the_caches_of_servers() {
    let Some(redis) = redis_url() else { return };
    for (place, channel) in [
        (Some(Place::sqlite()), Some(&redis)),
        (Place::postgres().await, None),
    ] {
        let Some(place) = place else { continue };
        let start = || {
            let start = Start::at(&place).with("USER_CACHE_TTL", "1h");
            match channel {
                Some(url) => start.with("INVALIDATION_URL", url),
                None => start,
            }
        };
        create_admin(&place, "ada@example.com").await;
        let server = start().server().await;
        let token = add_bob(&place, &server).await;
        assert_eq!(server.me(&token).await.status, 200);
        let disable = ["set-status", "bob@example.com", "disabled"];
        start().run(&disable).await.output();
        // Long before the account would be read again.
        for _ in 0..200 {
            if server.me(&token).await.status == 401 {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(server.me(&token).await.status, 401);
    }
}

#[tokio::test]
async fn unreachable_channel_fails_after_the_change() {
    let place = Place::sqlite();
    let (server, _) = started(&place).await;
    let token = add_bob(&place, &server).await;
    let start = Start::at(&place).with("INVALIDATION_URL", "redis://127.0.0.1:1");
    let finished = start
        .run(&["set-status", "bob@example.com", "disabled"])
        .await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(
        finished.stderr.starts_with("INVALIDATION_URL: "),
        "{finished:?}"
    );
    assert_eq!(server.me(&token).await.status, 401);
}

#[tokio::test]
async fn unreachable_database_is_an_error_without_its_password() {
    let directory = tempdir().unwrap();
    let url = "postgres://ada:hunter22@127.0.0.1:1/accounts";
    let start = Start::in_directory(directory.path()).with("DATABASE_URL", url);
    let error = start.run(&["list-users"]).await.error();
    assert!(error.starts_with("DATABASE_URL: "), "{error}");
    assert!(!error.contains("hunter22"), "{error}");
}

/// `script` gives the command a terminal.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn terminal_asks_for_the_password_without_echo() {
    let directory = tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_tower-warder-server");
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--echo", "never", "--command"])
        .arg(format!("{program} create-admin ada@example.com"))
        .arg("/dev/null")
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        println!("skipped: there is no program `script`");
        return;
    };
    let mut stdin = child.stdin.take().unwrap();
    let typed = format!("{PASSWORD}\n{PASSWORD}\n");
    stdin.write_all(typed.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    drop(stdin);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("is an admin"), "{shown}");
    assert!(!shown.contains(PASSWORD), "{shown}");

    let server = Start::in_directory(directory.path()).server().await;
    server.token("ada@example.com").await;
}
