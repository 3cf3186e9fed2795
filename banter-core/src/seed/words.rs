//! What people say, of themselves and to each other.

pub(super) const INTERESTS: &[&str] = &[
    "anime",
    "badminton",
    "books",
    "chess",
    "comedy",
    "cooking",
    "cricket",
    "cycling",
    "dance",
    "football",
    "gaming",
    "gardening",
    "ghazals",
    "history",
    "kabaddi",
    "languages",
    "movies",
    "music",
    "painting",
    "photography",
    "podcasts",
    "poetry",
    "science",
    "singing",
    "startups",
    "street food",
    "theatre",
    "travel",
    "trekking",
    "yoga",
];

pub(super) const LOOKING_FOR: &[&str] =
    &["friends", "gaming partner", "language practice", "music together", "study partner", "voice chats"];

/// In English, which everybody may use.
pub(super) const BIOS: &[&str] = &[
    "Chai first, questions later",
    "Weekend trekker, weekday engineer",
    "I sing in the shower and sometimes on calls",
    "Ask me about old film songs",
    "Learning a new language, slowly",
    "Cricket on TV, chess on the phone",
    "Here for good conversations",
    "Bookworm. Night owl. Dog person",
    "Teacher by day, gamer by night",
    "Street food explorer 🌶️",
    "New in town, say hi",
    "Podcasts, long walks, filter coffee",
];

pub(super) const MESSAGES: &[&str] = &[
    "Hi!",
    "Hello, how are you?",
    "Haan, bilkul",
    "Kya chal raha hai?",
    "All good here, you tell",
    "Did you see the match last night?",
    "What an over that was!",
    "Chai break ☕",
    "Same here 😄",
    "Achha, sunao",
    "I was in the metro, no network",
    "Can we talk in the evening?",
    "After 8 is fine",
    "Theek hai",
    "Which city are you from?",
    "It is raining so much here",
    "Send me that song please",
    "Arre wah!",
    "Listening to it now, it is lovely",
    "I will call you in five minutes",
    "My phone was on silent, sorry",
    "No problem at all",
    "Have you eaten?",
    "Biryani, what else",
    "Long day at work…",
    "Happy birthday! 🎂",
    "Thank you so much 🙏",
    "Good night",
    "Good morning ☀️",
    "Ha ha ha",
    "Really?",
    "Sach mein?",
    "That is a good point",
    "I never thought of it that way",
    "Let us do the quiz room tomorrow",
    "Exams are over, finally",
    "Best of luck for the interview!",
    "It went well, I think",
    "Weekend plans?",
    "Sleeping till noon, that is the plan",
    "What are you reading these days?",
    "You have to try the new place near the station",
    "Talk later",
    "Okay",
];

/// A language's own words: a bio or two, then small talk.
pub(super) fn native(language: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match language {
        "hi" => (
            &["चाय, क्रिकेट और पुराने गाने", "नए दोस्तों की तलाश में"],
            &["नमस्ते!", "कैसे हो?", "मैं ठीक हूँ, तुम बताओ", "कल बात करते हैं"],
        ),
        "bn" => (&["গান, বই আর ফুচকা", "বই পড়তে ভালোবাসি"], &["কেমন আছো?", "ভালো আছি", "পরে কথা হবে"]),
        "te" => (&["సినిమాలు, సంగీతం, బిర్యానీ", "కొత్త స్నేహితుల కోసం"], &["ఎలా ఉన్నారు?", "బాగున్నాను", "రేపు మాట్లాడుదాం"]),
        "mr" => (&["पुस्तके, पाऊस आणि चहा", "ट्रेकिंग आणि मिसळ पाव"], &["कसा आहेस?", "मजेत!", "उद्या बोलू"]),
        "ta" => {
            (&["இசையும் காபியும்", "புதிய நண்பர்களைத் தேடி"], &["எப்படி இருக்கீங்க?", "நல்லா இருக்கேன்", "நாளைக்கு பேசலாம்"])
        }
        "gu" => (&["ગરબા, ચા અને મિત્રો", "ફરવું અને ખાવું ગમે છે"], &["કેમ છો?", "મજામાં!", "કાલે વાત કરીએ"]),
        "ur" => (&["چائے اور شاعری", "نئے دوستوں کی تلاش"], &["کیسے ہیں آپ؟", "ٹھیک ہوں", "کل بات کرتے ہیں"]),
        "kn" => (&["ಕಾಫಿ, ಪುಸ್ತಕ, ಪ್ರಯಾಣ", "ಹೊಸ ಸ್ನೇಹಿತರಿಗಾಗಿ"], &["ಹೇಗಿದ್ದೀರಾ?", "ಚೆನ್ನಾಗಿದ್ದೇನೆ", "ನಾಳೆ ಮಾತಾಡೋಣ"]),
        "ml" => (&["മഴ, ചായ, പാട്ട്", "യാത്രകൾ ഇഷ്ടം"], &["സുഖമാണോ?", "സുഖം", "നാളെ സംസാരിക്കാം"]),
        "pa" => (&["ਗਾਣੇ, ਭੰਗੜਾ ਤੇ ਲੱਸੀ", "ਨਵੇਂ ਦੋਸਤਾਂ ਦੀ ਭਾਲ"], &["ਕੀ ਹਾਲ ਹੈ?", "ਵਧੀਆ!", "ਕੱਲ੍ਹ ਗੱਲ ਕਰਦੇ ਹਾਂ"]),
        "or" => (&["ଗୀତ ଓ ଚା"], &["କେମିତି ଅଛ?", "ଭଲ ଅଛି"]),
        "as" => (&["চাহ আৰু গান"], &["কেনে আছা?", "ভালে আছোঁ"]),
        _ => (BIOS, MESSAGES),
    }
}
