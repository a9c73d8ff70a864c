//! Scripts, styles and icons of the pages.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get};
use tower_http::set_header::SetResponseHeaderLayer;

use super::messages;
use crate::accent_color::AccentColor;

/// Routes of the files, in the accent colour if there is one.
pub(super) fn routes(accent: Option<AccentColor>) -> Router {
    let cache = HeaderValue::from_static("max-age=60");
    let scripts = SCRIPTS
        .into_iter()
        .fold(Router::new(), |router, (name, text)| {
            router.route(&format!("/pages/{name}"), file(SCRIPT, text))
        });
    scripts
        .route("/pages/messages.js", file(SCRIPT, messages::script()))
        .route("/pages/style.css", file(CSS, style(accent)))
        .route("/pages/icon.svg", file(SVG, icon(accent)))
        // Browsers ask for it, whatever the page says.
        .route("/favicon.ico", file(ICO, FAVICON))
        .layer(SetResponseHeaderLayer::overriding(CACHE_CONTROL, cache))
}

fn file<T>(content_type: &'static str, content: T) -> MethodRouter
where
    T: IntoResponse + Clone + Send + Sync + 'static,
{
    get(([(CONTENT_TYPE, content_type)], content))
}

fn style(accent: Option<AccentColor>) -> String {
    let mut style = include_str!("style.css").to_owned();
    if let Some(accent) = accent {
        let (light, dark) = (accent.on_light(), accent.on_dark());
        style += &format!(
            "\n:root {{ --accent: {light}; }}\n\
             @media (prefers-color-scheme: dark) {{ :root {{ --accent: {dark}; }} }}\n"
        );
    }
    style
}

fn icon(accent: Option<AccentColor>) -> String {
    let icon = include_str!("icon.svg");
    match accent {
        Some(accent) => icon.replace(ICON_COLOR, &accent.on_light()),
        None => icon.to_owned(),
    }
}

const SCRIPTS: [(&str, &str); 24] = [
    ("actions.js", include_str!("actions.js")),
    ("activity.js", include_str!("activity.js")),
    ("api.js", include_str!("api.js")),
    ("change_email.js", include_str!("change_email.js")),
    ("device.js", include_str!("device.js")),
    ("dialogs.js", include_str!("dialogs.js")),
    ("events.js", include_str!("events.js")),
    ("forgot_password.js", include_str!("forgot_password.js")),
    ("form.js", include_str!("form.js")),
    ("link.js", include_str!("link.js")),
    ("login.js", include_str!("login.js")),
    ("member.js", include_str!("member.js")),
    ("menu.js", include_str!("menu.js")),
    ("own_account.js", include_str!("own_account.js")),
    ("password_link.js", include_str!("password_link.js")),
    ("profile.js", include_str!("profile.js")),
    ("register.js", include_str!("register.js")),
    ("rules.js", include_str!("rules.js")),
    ("show.js", include_str!("show.js")),
    ("user_pages.js", include_str!("user_pages.js")),
    ("user_row.js", include_str!("user_row.js")),
    ("users.js", include_str!("users.js")),
    ("verify_email.js", include_str!("verify_email.js")),
    ("waiting.js", include_str!("waiting.js")),
];

const FAVICON: &[u8] = include_bytes!("favicon.ico");

/// Background of the icon.
const ICON_COLOR: &str = "#3a5a8c";

const CSS: &str = "text/css; charset=utf-8";
const ICO: &str = "image/vnd.microsoft.icon";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

#[cfg(test)]
mod tests {
    use tower_warder_accounts::AuditEventKind;

    use super::*;

    #[test]
    fn every_audit_event_has_a_text() {
        let script = include_str!("activity.js");
        for kind in AuditEventKind::ALL {
            let text = format!("\n  {}: '", kind.as_str());
            assert!(script.contains(&text), "{kind:?}");
        }
    }

    #[test]
    fn accent_color_is_in_style_and_icon() {
        let accent: AccentColor = "#008000".parse().unwrap();
        let style = style(Some(accent));
        assert!(style.contains(&format!(":root {{ --accent: {}; }}", accent.on_light())));
        assert!(style.contains(&format!(":root {{ --accent: {}; }} }}", accent.on_dark())));
        assert!(icon(None).contains(ICON_COLOR));
        let icon = icon(Some(accent));
        assert!(icon.contains(&accent.on_light()) && !icon.contains(ICON_COLOR));
    }
}
