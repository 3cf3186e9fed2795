//! Every word that people read in their inbox and on the lock screen, in each language there is.

use crate::calls::CallType;
use crate::gifts::Gift;
use crate::money::Paise;

/// A language with texts of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Hindi,
}

impl Language {
    /// Of somebody's `language` (ISO 639); English where there are no texts yet.
    pub(crate) fn of(code: &str) -> Self {
        match code {
            "hi" | "hin" => Self::Hindi,
            _ => Self::English,
        }
    }
}

/// What a notification speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject<'a> {
    FriendRequest {
        from: &'a str,
    },
    FriendAccepted {
        by: &'a str,
    },
    GroupAdded {
        by: &'a str,
        group: &'a str,
    },
    RoomInvited {
        by: &'a str,
        room: &'a str,
    },
    CoinsCredited {
        coins: i32,
    },
    CallMissed {
        from: &'a str,
        call_type: CallType,
    },
    CoinsBought {
        coins: i32,
        paid: Paise,
    },
    PremiumPaid {
        paid: Paise,
    },
    Refunded {
        paid: Paise,
    },
    RenewalFailed,
    /// `gift`: its name in the catalogue.
    GiftReceived {
        from: &'a str,
        gift: &'a str,
        coins: i32,
    },
    ReportDecided {
        acted: bool,
    },
    ModerationNotice {
        notice: &'a str,
    },
    Verified,
    NotVerified {
        reason: &'a str,
    },
}

/// Title and body.
pub(crate) fn news(language: Language, subject: &Subject<'_>) -> (&'static str, String) {
    use Language::{English, Hindi};
    match (subject, language) {
        (Subject::FriendRequest { from }, English) => {
            ("Friend request", format!("{from} wants to be your friend"))
        }
        (Subject::FriendRequest { from }, Hindi) => {
            ("दोस्ती का अनुरोध", format!("{from} आपसे दोस्ती करना चाहते हैं"))
        }
        (Subject::FriendAccepted { by }, English) => {
            ("Friend request accepted", format!("{by} accepted your friend request"))
        }
        (Subject::FriendAccepted { by }, Hindi) => {
            ("दोस्ती का अनुरोध स्वीकार", format!("{by} ने आपका दोस्ती का अनुरोध स्वीकार किया"))
        }
        (Subject::GroupAdded { by, group }, English) => ("New group", format!("{by} added you to {group}")),
        (Subject::GroupAdded { by, group }, Hindi) => ("नया ग्रुप", format!("{by} ने आपको {group} में जोड़ा")),
        (Subject::RoomInvited { by, room }, English) => {
            ("Room invitation", format!("{by} invites you to {room}"))
        }
        (Subject::RoomInvited { by, room }, Hindi) => ("रूम का न्योता", format!("{by} आपको {room} में बुला रहे हैं")),
        (Subject::CoinsCredited { coins: 1 }, English) => ("Coins received", "You received 1 coin".into()),
        (Subject::CoinsCredited { coins }, English) => {
            ("Coins received", format!("You received {coins} coins"))
        }
        (Subject::CoinsCredited { coins }, Hindi) => ("कॉइन मिले", format!("आपको {coins} कॉइन मिले")),
        (Subject::CallMissed { from, call_type: CallType::Audio }, English) => {
            ("Missed call", format!("{from} called you"))
        }
        (Subject::CallMissed { from, call_type: CallType::Video }, English) => {
            ("Missed video call", format!("{from} called you"))
        }
        (Subject::CallMissed { from, call_type: CallType::Audio }, Hindi) => {
            ("मिस्ड कॉल", format!("{from} ने आपको कॉल किया था"))
        }
        (Subject::CallMissed { from, call_type: CallType::Video }, Hindi) => {
            ("मिस्ड वीडियो कॉल", format!("{from} ने आपको वीडियो कॉल किया था"))
        }
        (Subject::CoinsBought { coins, paid }, English) => {
            ("Payment successful", format!("{coins} coins are yours for {paid}"))
        }
        (Subject::CoinsBought { coins, paid }, Hindi) => {
            ("भुगतान सफल", format!("{paid} में {coins} कॉइन आपके हुए"))
        }
        (Subject::PremiumPaid { paid }, English) => {
            ("Payment successful", format!("Premium is paid: {paid}"))
        }
        (Subject::PremiumPaid { paid }, Hindi) => ("भुगतान सफल", format!("प्रीमियम का भुगतान हुआ: {paid}")),
        (Subject::Refunded { paid }, English) => {
            ("Refund", format!("{paid} goes back to you within a few working days"))
        }
        (Subject::Refunded { paid }, Hindi) => ("रिफ़ंड", format!("{paid} कुछ कार्य दिवसों में आपको वापस मिलेंगे")),
        (Subject::RenewalFailed, English) => {
            ("Premium was not renewed", "The payment failed; check how you pay".into())
        }
        (Subject::RenewalFailed, Hindi) => {
            ("प्रीमियम जारी नहीं हुआ", "भुगतान नहीं हो सका; अपना भुगतान तरीका जाँचें".into())
        }
        (Subject::GiftReceived { from, gift, coins }, English) => {
            ("A gift for you", format!("{from} gave you a {}: {coins} coins", gift_name(English, gift)))
        }
        (Subject::Verified, English) => ("You are verified", "Your profile now shows the badge".into()),
        (Subject::Verified, Hindi) => ("आपकी पहचान की पुष्टि हो गई", "आपकी प्रोफ़ाइल पर अब बैज दिखेगा".into()),
        (Subject::NotVerified { reason }, English) => {
            ("Not verified", format!("We could not verify you: {reason}. You may ask again."))
        }
        (Subject::NotVerified { reason }, Hindi) => (
            "पुष्टि नहीं हो सकी",
            format!("हम आपकी पहचान की पुष्टि नहीं कर सके: {reason}. आप फिर से अनुरोध कर सकते हैं।"),
        ),
        (Subject::ReportDecided { acted: true }, English) => {
            ("Your report", "Thank you: we looked at what you reported, and acted on it".into())
        }
        (Subject::ReportDecided { acted: true }, Hindi) => {
            ("आपकी रिपोर्ट", "धन्यवाद: हमने आपकी रिपोर्ट देखी और कार्रवाई की".into())
        }
        (Subject::ReportDecided { acted: false }, English) => {
            ("Your report", "We looked at what you reported, and found nothing against our rules".into())
        }
        (Subject::ReportDecided { acted: false }, Hindi) => {
            ("आपकी रिपोर्ट", "हमने आपकी रिपोर्ट देखी; उसमें नियमों के ख़िलाफ़ कुछ नहीं मिला".into())
        }
        (Subject::ModerationNotice { notice }, English) => ("A notice from Banter", (*notice).to_owned()),
        (Subject::ModerationNotice { notice }, Hindi) => ("Banter की सूचना", (*notice).to_owned()),
        (Subject::GiftReceived { from, gift, coins }, Hindi) => {
            ("आपके लिए तोहफ़ा", format!("{from} की ओर से {}: {coins} कॉइन", gift_name(Hindi, gift)))
        }
    }
}

/// What a phone shows under the caller's name while it rings.
pub(crate) fn ringing(language: Language, call_type: CallType) -> &'static str {
    match (language, call_type) {
        (Language::English, CallType::Audio) => "Incoming call",
        (Language::English, CallType::Video) => "Incoming video call",
        (Language::Hindi, CallType::Audio) => "कॉल आ रही है",
        (Language::Hindi, CallType::Video) => "वीडियो कॉल आ रही है",
    }
}

/// A message's content in one line; what is no text is named.
pub(crate) fn message(language: Language, message_type: &str, content: &str) -> String {
    use Language::{English, Hindi};
    let what = match (message_type, language) {
        ("text", _) => return content.to_owned(),
        ("image", English) => "Photo",
        ("image", Hindi) => "फ़ोटो",
        ("audio", English) => "Voice message",
        ("audio", Hindi) => "वॉइस मैसेज",
        ("video", English) => "Video",
        ("video", Hindi) => "वीडियो",
        ("gif", _) => "GIF",
        ("gift", English) => return format!("Gift: {}", gift_name(English, content)),
        ("gift", Hindi) => return format!("तोहफ़ा: {}", gift_name(Hindi, content)),
        // Of a newer version.
        (_, English) => "New message",
        (_, Hindi) => "नया मैसेज",
    };
    if content.is_empty() { what.to_owned() } else { format!("{what}: {content}") }
}

/// A gift of the catalogue; one that only a newer version knows as it is.
fn gift_name(language: Language, gift: &str) -> &str {
    let Some(known) = Gift::named(gift) else { return gift };
    match language {
        Language::English => known.english(),
        Language::Hindi => known.hindi(),
    }
}

/// Who acted, where nobody is named.
pub(crate) fn somebody(language: Language) -> &'static str {
    match language {
        Language::English => "Somebody",
        Language::Hindi => "किसी",
    }
}
