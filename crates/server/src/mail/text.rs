//! Texts of mail, in the languages of the server.

use std::time::Duration;

use tower_warder::BoxError;
use tower_warder_accounts::{Mail, MailPurpose};

use crate::site::ProductName;

/// Subject and body of a mail.
pub(super) struct Text {
    pub(super) subject: String,
    pub(super) body: String,
}

impl Text {
    /// Returns the text of a mail in the name of the application, in the language of its locale, or else
    /// in English.
    pub(super) fn new(mail: &Mail, product_name: &ProductName) -> Result<Self, BoxError> {
        let purpose = mail.purpose;
        let templates = TEXTS.iter().find(|(it, _)| *it == purpose);
        let (_, templates) =
            templates.ok_or_else(|| format!("no text for a mail of {purpose:?}"))?;
        let language = Language::of(mail.locale.as_deref());
        let Template { subject, body } = language.choose(templates);
        let mut body = (*body).to_owned();
        if let Some(link) = &mail.link {
            body = body.replace("{time}", &language.time(link.expires_in));
            body = body.replace("{link}", link.url.as_str());
        }
        // The last one: its text is not searched for the others.
        let product_name = product_name.to_string();
        Ok(Self {
            subject: subject.replace("{product}", &product_name),
            body: body.replace("{product}", &product_name),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    English,
    German,
    French,
    Spanish,
}

impl Language {
    /// Returns the language of a locale such as `de-AT` (RFC 5646, section 2.1), by its first part.
    fn of(locale: Option<&str>) -> Self {
        let language = locale.and_then(|locale| locale.split(['-', '_']).next());
        match language.unwrap_or_default().to_ascii_lowercase().as_str() {
            "de" => Self::German,
            "fr" => Self::French,
            "es" => Self::Spanish,
            _ => Self::English,
        }
    }

    const fn choose<T>(self, [english, german, french, spanish]: &[T; 4]) -> &T {
        match self {
            Self::English => english,
            Self::German => german,
            Self::French => french,
            Self::Spanish => spanish,
        }
    }

    /// Returns a time in the largest unit of which there are whole ones, at least two.
    fn time(self, time: Duration) -> String {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;

        let seconds = time.as_secs();
        let fits = |unit: u64| seconds.is_multiple_of(unit) && seconds >= 2 * unit;
        let (number, units) = if fits(DAY) {
            (seconds / DAY, &["days", "Tagen", "jours", "días"])
        } else if fits(HOUR) {
            (seconds / HOUR, &["hours", "Stunden", "heures", "horas"])
        } else {
            let minutes = &["minutes", "Minuten", "minutes", "minutos"];
            (seconds / MINUTE, minutes)
        };
        format!("{number} {}", self.choose(units))
    }
}

/// Text with `{product}`, and, if the mail has a link, `{link}` and `{time}` for which it is valid.
struct Template {
    subject: &'static str,
    body: &'static str,
}

/// The texts of each purpose: English, German, French, Spanish.
const TEXTS: &[(MailPurpose, [Template; 4])] = &[
    (
        MailPurpose::ResetPassword,
        [
            Template {
                subject: "New password for {product}",
                body: "A new password was requested for your account of {product}.\n\
                \n\
                Set it by this link, once and within {time}:\n\
                \n\
                {link}\n\
                \n\
                If you did not request it, delete this mail: your password stays as it is.\n",
            },
            Template {
                subject: "Neues Passwort für {product}",
                body: "Für Ihr Konto bei {product} wurde ein neues Passwort angefordert.\n\
                \n\
                Setzen Sie es mit diesem Link, einmal und innerhalb von {time}:\n\
                \n\
                {link}\n\
                \n\
                Wenn Sie es nicht angefordert haben, löschen Sie diese Mail: Ihr Passwort bleibt, wie \
                es ist.\n",
            },
            Template {
                subject: "Nouveau mot de passe pour {product}",
                body: "Un nouveau mot de passe a été demandé pour votre compte {product}.\n\
                \n\
                Choisissez-le avec ce lien, une seule fois et dans un délai de {time} :\n\
                \n\
                {link}\n\
                \n\
                Si vous n'avez rien demandé, supprimez ce message : votre mot de passe ne change \
                pas.\n",
            },
            Template {
                subject: "Nueva contraseña para {product}",
                body: "Se ha solicitado una nueva contraseña para su cuenta de {product}.\n\
                \n\
                Elíjala con este enlace, una sola vez y en un plazo de {time}:\n\
                \n\
                {link}\n\
                \n\
                Si no la ha solicitado, borre este mensaje: su contraseña no cambia.\n",
            },
        ],
    ),
    (
        MailPurpose::VerifyEmail,
        [
            Template {
                subject: "Verify your address for {product}",
                body: "An account of {product} was registered with this address.\n\
                \n\
                If you did so, verify the address by this link, once and within {time}:\n\
                \n\
                {link}\n\
                \n\
                If you did not, delete this mail and do not use the link: somebody else knows the \
                password of that account.\n",
            },
            Template {
                subject: "Bestätigen Sie Ihre Adresse für {product}",
                body: "Bei {product} wurde mit dieser Adresse ein Konto registriert.\n\
                \n\
                Wenn Sie das waren, bestätigen Sie die Adresse mit diesem Link, einmal und innerhalb von \
                {time}:\n\
                \n\
                {link}\n\
                \n\
                Wenn nicht, löschen Sie diese Mail und verwenden Sie den Link nicht: jemand anders kennt \
                das Passwort dieses Kontos.\n",
            },
            Template {
                subject: "Confirmez votre adresse pour {product}",
                body: "Un compte {product} a été créé avec cette adresse.\n\
                \n\
                Si c'était vous, confirmez l'adresse avec ce lien, une seule fois et dans un délai de \
                {time} :\n\
                \n\
                {link}\n\
                \n\
                Sinon, supprimez ce message et n'utilisez pas le lien : quelqu'un d'autre connaît le mot \
                de passe de ce compte.\n",
            },
            Template {
                subject: "Confirme su dirección para {product}",
                body: "Se ha registrado una cuenta de {product} con esta dirección.\n\
                \n\
                Si ha sido usted, confirme la dirección con este enlace, una sola vez y en un plazo de \
                {time}:\n\
                \n\
                {link}\n\
                \n\
                Si no, borre este mensaje y no use el enlace: otra persona conoce la contraseña de esa \
                cuenta.\n",
            },
        ],
    ),
    (
        MailPurpose::ChangeEmail,
        [
            Template {
                subject: "New address for {product}",
                body: "An account of {product} is to get this address.\n\
                \n\
                If you asked for it, confirm it by this link, once and within {time}:\n\
                \n\
                {link}\n\
                \n\
                If you did not, delete this mail and do not use the link: the account is not \
                yours.\n",
            },
            Template {
                subject: "Neue Adresse für {product}",
                body: "Ein Konto bei {product} soll diese Adresse bekommen.\n\
                \n\
                Wenn Sie das möchten, bestätigen Sie es mit diesem Link, einmal und innerhalb \
                von {time}:\n\
                \n\
                {link}\n\
                \n\
                Wenn nicht, löschen Sie diese Mail und verwenden Sie den Link nicht: das Konto \
                ist nicht Ihres.\n",
            },
            Template {
                subject: "Nouvelle adresse pour {product}",
                body: "Un compte {product} doit recevoir cette adresse.\n\
                \n\
                Si vous l'avez demandé, confirmez-le avec ce lien, une seule fois et dans un \
                délai de {time} :\n\
                \n\
                {link}\n\
                \n\
                Sinon, supprimez ce message et n'utilisez pas le lien : ce compte n'est pas le \
                vôtre.\n",
            },
            Template {
                subject: "Nueva dirección para {product}",
                body: "Una cuenta de {product} va a recibir esta dirección.\n\
                \n\
                Si lo ha pedido usted, confírmelo con este enlace, una sola vez y en un plazo de \
                {time}:\n\
                \n\
                {link}\n\
                \n\
                Si no, borre este mensaje y no use el enlace: la cuenta no es suya.\n",
            },
        ],
    ),
    (
        MailPurpose::EmailChangeRequested,
        [
            Template {
                subject: "Change of your address for {product}",
                body: "Another address was requested for your account of {product}, with your \
                password. It changes when that address is confirmed.\n\
                \n\
                If you did not ask for it, somebody else knows your password: change it now, \
                which also cancels the request.\n",
            },
            Template {
                subject: "Änderung Ihrer Adresse für {product}",
                body: "Für Ihr Konto bei {product} wurde mit Ihrem Passwort eine andere Adresse \
                angefordert. Sie gilt, sobald sie bestätigt ist.\n\
                \n\
                Wenn Sie das nicht waren, kennt jemand anders Ihr Passwort: ändern Sie es \
                sofort, dann ist auch die Anforderung ungültig.\n",
            },
            Template {
                subject: "Changement de votre adresse pour {product}",
                body: "Une autre adresse a été demandée pour votre compte {product}, avec votre \
                mot de passe. Elle sera valable dès qu'elle sera confirmée.\n\
                \n\
                Si ce n'était pas vous, quelqu'un d'autre connaît votre mot de passe : \
                changez-le tout de suite, ce qui annule aussi la demande.\n",
            },
            Template {
                subject: "Cambio de su dirección para {product}",
                body: "Se ha solicitado otra dirección para su cuenta de {product}, con su \
                contraseña. Valdrá en cuanto se confirme.\n\
                \n\
                Si no ha sido usted, otra persona conoce su contraseña: cámbiela ahora, lo que \
                también anula la solicitud.\n",
            },
        ],
    ),
    (
        MailPurpose::EmailChanged,
        [
            Template {
                subject: "Your address for {product} is changed",
                body: "Your account of {product} has another address now, and every log-in of it \
                has ended. This is the last mail to the address before.\n\
                \n\
                If you did not change it, tell an admin at once.\n",
            },
            Template {
                subject: "Ihre Adresse für {product} ist geändert",
                body: "Ihr Konto bei {product} hat jetzt eine andere Adresse, und alle \
                Anmeldungen sind beendet. Dies ist die letzte Mail an die bisherige Adresse.\n\
                \n\
                Wenn Sie das nicht waren, verständigen Sie sofort einen Administrator.\n",
            },
            Template {
                subject: "Votre adresse pour {product} a changé",
                body: "Votre compte {product} a maintenant une autre adresse, et toutes ses \
                connexions sont terminées. Ceci est le dernier message à l'ancienne adresse.\n\
                \n\
                Si ce n'était pas vous, prévenez tout de suite un administrateur.\n",
            },
            Template {
                subject: "Su dirección para {product} ha cambiado",
                body: "Su cuenta de {product} tiene ahora otra dirección, y todas sus sesiones \
                han terminado. Este es el último mensaje a la dirección anterior.\n\
                \n\
                Si no ha sido usted, avise enseguida a un administrador.\n",
            },
        ],
    ),
    (
        MailPurpose::AcceptInvitation,
        [
            Template {
                subject: "Invitation to {product}",
                body: "You are invited to {product}.\n\
                \n\
                Set the password of your account by this link, once and within {time}:\n\
                \n\
                {link}\n\
                \n\
                If you do not want an account, delete this mail.\n",
            },
            Template {
                subject: "Einladung zu {product}",
                body: "Sie sind zu {product} eingeladen.\n\
                \n\
                Setzen Sie das Passwort Ihres Kontos mit diesem Link, einmal und innerhalb von {time}:\n\
                \n\
                {link}\n\
                \n\
                Wenn Sie kein Konto wünschen, löschen Sie diese Mail.\n",
            },
            Template {
                subject: "Invitation à {product}",
                body: "Vous êtes invité à rejoindre {product}.\n\
                \n\
                Choisissez le mot de passe de votre compte avec ce lien, une seule fois et dans un délai de {time} :\n\
                \n\
                {link}\n\
                \n\
                Si vous ne voulez pas de compte, supprimez ce message.\n",
            },
            Template {
                subject: "Invitación a {product}",
                body: "Ha recibido una invitación a {product}.\n\
                \n\
                Elija la contraseña de su cuenta con este enlace, una sola vez y en un plazo de {time}:\n\
                \n\
                {link}\n\
                \n\
                Si no desea una cuenta, borre este mensaje.\n",
            },
        ],
    ),
    (
        MailPurpose::CompleteRegistration,
        [
            Template {
                subject: "Registration for {product}",
                body: "Somebody, probably you, entered this address to register for {product}.\n\
                \n\
                Set a password by this link, once and within {time}:\n\
                \n\
                {link}\n\
                \n\
                If it was not you, delete this mail: there is no account without it.\n",
            },
            Template {
                subject: "Registrierung bei {product}",
                body: "Jemand, vermutlich Sie, hat sich mit dieser Adresse bei {product} registriert.\n\
                \n\
                Setzen Sie ein Passwort mit diesem Link, einmal und innerhalb von {time}:\n\
                \n\
                {link}\n\
                \n\
                Wenn Sie es nicht waren, löschen Sie diese Mail: Ohne sie entsteht kein Konto.\n",
            },
            Template {
                subject: "Inscription à {product}",
                body: "Quelqu'un, probablement vous, a saisi cette adresse pour s'inscrire à {product}.\n\
                \n\
                Choisissez un mot de passe avec ce lien, une seule fois et dans un délai de {time} :\n\
                \n\
                {link}\n\
                \n\
                Si ce n'était pas vous, supprimez ce message : sans lui, aucun compte n'est créé.\n",
            },
            Template {
                subject: "Registro en {product}",
                body: "Alguien, probablemente usted, ha introducido esta dirección para registrarse en {product}.\n\
                \n\
                Elija una contraseña con este enlace, una sola vez y en un plazo de {time}:\n\
                \n\
                {link}\n\
                \n\
                Si no ha sido usted, borre este mensaje: sin él no se crea ninguna cuenta.\n",
            },
        ],
    ),
    (
        MailPurpose::AccountExists,
        [
            Template {
                subject: "Your account of {product}",
                body: "Somebody, probably you, entered this address to register for {product}. It has an account already.\n\
                \n\
                If you do not know its password, set a new one by this link, once and within {time}:\n\
                \n\
                {link}\n\
                \n\
                If it was not you, delete this mail: nothing has changed.\n",
            },
            Template {
                subject: "Ihr Konto bei {product}",
                body: "Jemand, vermutlich Sie, wollte sich mit dieser Adresse bei {product} registrieren. Sie hat schon ein Konto.\n\
                \n\
                Wenn Sie dessen Passwort nicht kennen, setzen Sie ein neues mit diesem Link, einmal und innerhalb von {time}:\n\
                \n\
                {link}\n\
                \n\
                Wenn Sie es nicht waren, löschen Sie diese Mail: Nichts hat sich geändert.\n",
            },
            Template {
                subject: "Votre compte {product}",
                body: "Quelqu'un, probablement vous, a saisi cette adresse pour s'inscrire à {product}. Elle a déjà un compte.\n\
                \n\
                Si vous n'en connaissez pas le mot de passe, choisissez-en un nouveau avec ce lien, une seule fois et dans un délai de {time} :\n\
                \n\
                {link}\n\
                \n\
                Si ce n'était pas vous, supprimez ce message : rien n'a changé.\n",
            },
            Template {
                subject: "Su cuenta de {product}",
                body: "Alguien, probablemente usted, ha introducido esta dirección para registrarse en {product}. Ya tiene una cuenta.\n\
                \n\
                Si no conoce su contraseña, elija una nueva con este enlace, una sola vez y en un plazo de {time}:\n\
                \n\
                {link}\n\
                \n\
                Si no ha sido usted, borre este mensaje: nada ha cambiado.\n",
            },
        ],
    ),
    (
        MailPurpose::AccountNotApproved,
        [
            Template {
                subject: "Your account of {product}",
                body: "Somebody, probably you, entered this address to register for {product}. It has an account already, which only an admin can approve.\n\
                \n\
                If it was not you, delete this mail: nothing has changed.\n",
            },
            Template {
                subject: "Ihr Konto bei {product}",
                body: "Jemand, vermutlich Sie, wollte sich mit dieser Adresse bei {product} registrieren. Sie hat schon ein Konto, das nur ein Admin freigeben kann.\n\
                \n\
                Wenn Sie es nicht waren, löschen Sie diese Mail: Nichts hat sich geändert.\n",
            },
            Template {
                subject: "Votre compte {product}",
                body: "Quelqu'un, probablement vous, a saisi cette adresse pour s'inscrire à {product}. Elle a déjà un compte, que seul un administrateur peut approuver.\n\
                \n\
                Si ce n'était pas vous, supprimez ce message : rien n'a changé.\n",
            },
            Template {
                subject: "Su cuenta de {product}",
                body: "Alguien, probablemente usted, ha introducido esta dirección para registrarse en {product}. Ya tiene una cuenta, que solo un administrador puede aprobar.\n\
                \n\
                Si no ha sido usted, borre este mensaje: nada ha cambiado.\n",
            },
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_has_texts_with_its_placeholders() {
        for purpose in MailPurpose::all() {
            let rows = TEXTS.iter().filter(|(it, _)| *it == purpose);
            let rows: Vec<_> = rows.collect();
            assert_eq!(rows.len(), 1, "{purpose:?}");
            let (_, templates) = rows[0];
            let has = |template: &Template, name: &str| template.body.contains(name);
            let has_link = has(&templates[0], "{link}");
            for template in templates {
                assert!(template.subject.contains("{product}"), "{purpose:?}");
                assert!(has(template, "{product}"), "{purpose:?}");
                for name in ["{link}", "{time}"] {
                    assert_eq!(has(template, name), has_link, "{purpose:?}: {name}");
                }
                let braces = template.body.matches(['{', '}']).count();
                assert_eq!(braces, if has_link { 6 } else { 2 }, "{purpose:?}");
            }
        }
    }

    #[test]
    fn language_is_that_of_the_locale_or_english() {
        for (locale, expected) in [
            (Some("de"), Language::German),
            (Some("de-AT"), Language::German),
            (Some("DE_ch"), Language::German),
            (Some("fr-CA"), Language::French),
            (Some("es-419"), Language::Spanish),
            (Some("en-GB"), Language::English),
            (Some("den"), Language::English),
            (Some("*"), Language::English),
            (Some(""), Language::English),
            (None, Language::English),
        ] {
            assert_eq!(Language::of(locale), expected, "{locale:?}");
        }
    }

    #[test]
    fn time_has_the_largest_whole_unit() {
        for (minutes, expected) in [
            (30, ["30 minutes", "30 Minuten", "30 minutes", "30 minutos"]),
            (60, ["60 minutes", "60 Minuten", "60 minutes", "60 minutos"]),
            (90, ["90 minutes", "90 Minuten", "90 minutes", "90 minutos"]),
            (24 * 60, ["24 hours", "24 Stunden", "24 heures", "24 horas"]),
            (7 * 24 * 60, ["7 days", "7 Tagen", "7 jours", "7 días"]),
        ] {
            let languages = [
                Language::English,
                Language::German,
                Language::French,
                Language::Spanish,
            ];
            let time = Duration::from_secs(60 * minutes);
            assert_eq!(languages.map(|language| language.time(time)), expected);
        }
    }
}
