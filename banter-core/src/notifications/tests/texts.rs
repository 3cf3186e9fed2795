use crate::calls::CallType;
use crate::notifications::texts::{Language, Subject, message, news, ringing, somebody};

#[test]
fn english_and_hindi_and_english_for_all_others() {
    assert_eq!(Language::of("hi"), Language::Hindi);
    for code in ["en", "ta", "", "xx"] {
        assert_eq!(Language::of(code), Language::English);
    }
}

#[test]
fn every_notification_in_every_language() {
    let subjects = [
        Subject::FriendRequest { from: "Asha" },
        Subject::FriendAccepted { by: "Asha" },
        Subject::GroupAdded { by: "Asha", group: "Goa 2027" },
        Subject::CoinsCredited { coins: 1 },
        Subject::CoinsCredited { coins: 100 },
        Subject::CallMissed { from: "Asha", call_type: CallType::Audio },
        Subject::CallMissed { from: "Asha", call_type: CallType::Video },
    ];
    let all: Vec<_> = [Language::English, Language::Hindi]
        .into_iter()
        .flat_map(|language| {
            subjects.iter().map(move |subject| {
                let (title, body) = news(language, subject);
                format!("{title}: {body}")
            })
        })
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r"
    Friend request: Asha wants to be your friend
    Friend request accepted: Asha accepted your friend request
    New group: Asha added you to Goa 2027
    Coins received: You received 1 coin
    Coins received: You received 100 coins
    Missed call: Asha called you
    Missed video call: Asha called you
    दोस्ती का अनुरोध: Asha आपसे दोस्ती करना चाहते हैं
    दोस्ती का अनुरोध स्वीकार: Asha ने आपका दोस्ती का अनुरोध स्वीकार किया
    नया ग्रुप: Asha ने आपको Goa 2027 में जोड़ा
    कॉइन मिले: आपको 1 कॉइन मिले
    कॉइन मिले: आपको 100 कॉइन मिले
    मिस्ड कॉल: Asha ने आपको कॉल किया था
    मिस्ड वीडियो कॉल: Asha ने आपको वीडियो कॉल किया था
    ");
    assert_ne!(somebody(Language::English), somebody(Language::Hindi));
}

#[test]
fn a_message_is_quoted_and_media_named() {
    use Language::{English, Hindi};
    for (language, kind, content, expected) in [
        (English, "text", "hello", "hello"),
        (Hindi, "text", "hello", "hello"),
        (English, "image", "", "Photo"),
        (English, "image", "the beach", "Photo: the beach"),
        (Hindi, "image", "", "फ़ोटो"),
        (English, "audio", "", "Voice message"),
        (Hindi, "audio", "", "वॉइस मैसेज"),
        (English, "video", "", "Video"),
        (Hindi, "video", "", "वीडियो"),
        (Hindi, "gif", "", "GIF"),
        (English, "hologram", "", "New message"),
        (Hindi, "hologram", "", "नया मैसेज"),
    ] {
        assert_eq!(message(language, kind, content), expected);
    }
}

#[test]
fn what_rings_says_what_it_is() {
    let all = [
        ringing(Language::English, CallType::Audio),
        ringing(Language::English, CallType::Video),
        ringing(Language::Hindi, CallType::Audio),
        ringing(Language::Hindi, CallType::Video),
    ];
    assert_eq!(all, ["Incoming call", "Incoming video call", "कॉल आ रही है", "वीडियो कॉल आ रही है"]);
}
