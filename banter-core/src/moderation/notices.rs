//! What the sanctioned read, in each language there is: what was done, why, until when, and that they may answer.

use chrono::{DateTime, Utc};

use super::reasons::Reason;
use super::sanctions::Action;
use crate::clock::india;
use crate::notifications::Language;

/// The canned notice. `language`: of the person (ISO 639).
pub fn notice(language: &str, action: Action, policy: Reason, until: Option<DateTime<Utc>>) -> String {
    let language = Language::of(language);
    let until = until.map(|until| until.with_timezone(&india()).format("%d.%m.%Y %H:%M").to_string());
    let (why, until) = (rule(language, policy), until.as_deref().unwrap_or_default());
    match (language, action) {
        (Language::English, Action::Warn) => {
            format!(
                "This is a warning. What you did breaks our rules on {why}. If it happens again, your account may be suspended."
            )
        }
        (Language::English, Action::RemoveMessage) => {
            format!("We removed a message of yours: it breaks our rules on {why}.")
        }
        (Language::English, Action::Mute) => {
            format!(
                "You can listen in rooms, but neither speak nor write there until {until} (IST), because of our rules on {why}."
            )
        }
        (Language::English, Action::Suspend) => {
            format!("Your account is suspended until {until} (IST), because of our rules on {why}.")
        }
        (Language::English, Action::Ban) => {
            format!("Your account is closed, because of our rules on {why}.")
        }
        (Language::English, Action::RemoveAvatar) => {
            format!("We removed your picture: it breaks our rules on {why}. Please choose another.")
        }
        (Language::English, Action::RemoveCover) => {
            format!("We removed your room's picture: it breaks our rules on {why}. Please choose another.")
        }
        (Language::English, Action::CloseRoom) => {
            format!("We closed your room, because of our rules on {why}.")
        }
        (Language::English, Action::FreezeWallet) => {
            format!(
                "Your coins are frozen while we look into it, because of our rules on {why}. They are not lost."
            )
        }
        (Language::Hindi, Action::Warn) => {
            format!(
                "यह एक चेतावनी है। आपने {why} से जुड़े हमारे नियम तोड़े हैं। दोबारा ऐसा होने पर आपका अकाउंट रोका जा सकता है।"
            )
        }
        (Language::Hindi, Action::RemoveMessage) => {
            format!("हमने आपका एक मैसेज हटा दिया है: वह {why} से जुड़े हमारे नियमों के ख़िलाफ़ है।")
        }
        (Language::Hindi, Action::Mute) => {
            format!("{why} से जुड़े नियमों के कारण आप {until} (IST) तक रूम में सुन सकते हैं, पर बोल या लिख नहीं सकते।")
        }
        (Language::Hindi, Action::Suspend) => {
            format!("{why} से जुड़े नियमों के कारण आपका अकाउंट {until} (IST) तक रोका गया है।")
        }
        (Language::Hindi, Action::Ban) => format!("{why} से जुड़े नियमों के कारण आपका अकाउंट बंद कर दिया गया है।"),
        (Language::Hindi, Action::RemoveAvatar) => {
            format!("हमने आपकी तस्वीर हटा दी है: वह {why} से जुड़े हमारे नियमों के ख़िलाफ़ है। कृपया दूसरी चुनें।")
        }
        (Language::Hindi, Action::RemoveCover) => {
            format!("हमने आपके रूम की तस्वीर हटा दी है: वह {why} से जुड़े हमारे नियमों के ख़िलाफ़ है। कृपया दूसरी चुनें।")
        }
        (Language::Hindi, Action::CloseRoom) => format!("{why} से जुड़े नियमों के कारण हमने आपका रूम बंद कर दिया है।"),
        (Language::Hindi, Action::FreezeWallet) => {
            format!("{why} से जुड़े नियमों के कारण जाँच पूरी होने तक आपके कॉइन रोके गए हैं। वे सुरक्षित हैं।")
        }
    }
}

fn rule(language: Language, policy: Reason) -> &'static str {
    match (language, policy) {
        (Language::English, Reason::Harassment) => "harassment",
        (Language::English, Reason::Hate) => "hate",
        (Language::English, Reason::Threat) => "threats and violence",
        (Language::English, Reason::Spam) => "spam",
        (Language::English, Reason::Scam) => "fraud",
        (Language::English, Reason::Inappropriate) => "decency",
        (Language::English, Reason::IntimateImagery) => "intimate pictures",
        (Language::English, Reason::ChildSafety) => "the safety of children",
        (Language::English, Reason::SelfHarm) => "self-harm",
        (Language::English, Reason::Fake) => "pretending to be somebody else",
        (Language::English, Reason::Underage) => "age",
        (Language::English, Reason::LegalOrder) => "orders of courts and authorities",
        (Language::English, Reason::Other) => "conduct",
        (Language::Hindi, Reason::Harassment) => "उत्पीड़न",
        (Language::Hindi, Reason::Hate) => "नफ़रत फैलाने",
        (Language::Hindi, Reason::Threat) => "धमकी और हिंसा",
        (Language::Hindi, Reason::Spam) => "स्पैम",
        (Language::Hindi, Reason::Scam) => "धोखाधड़ी",
        (Language::Hindi, Reason::Inappropriate) => "शालीनता",
        (Language::Hindi, Reason::IntimateImagery) => "निजी तस्वीरों",
        (Language::Hindi, Reason::ChildSafety) => "बच्चों की सुरक्षा",
        (Language::Hindi, Reason::SelfHarm) => "आत्म-क्षति",
        (Language::Hindi, Reason::Fake) => "किसी और का रूप धरने",
        (Language::Hindi, Reason::Underage) => "उम्र",
        (Language::Hindi, Reason::LegalOrder) => "अदालत या प्रशासन के आदेशों",
        (Language::Hindi, Reason::Other) => "व्यवहार",
    }
}
