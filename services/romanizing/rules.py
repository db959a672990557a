"""Transforms of the Unicode CLDR, by language, with rules around them where a song needs them.

Source: https://unicode.org/reports/tr35/tr35-general.html#Transform_Rules_Syntax. Each text that
they see is one word, so ^ and $ are its ends.
"""

# CLDR writes small vowels as ~a, and ヂ, ヅ as dji, dzu; Hepburn has neither.
_JAPANESE = r"""
::Hiragana-Katakana;
ヴァ > va; ヴィ > vi; ヴェ > ve; ヴォ > vo; ヴュ > vyu; ウィ > wi; ウェ > we; ウォ > wo; イェ > ye;
トゥ > tu; ドゥ > du; テュ > tyu; デュ > dyu; フュ > fyu; スィ > si; ズィ > zi;
ツァ > tsa; ツィ > tsi; ツェ > tse; ツォ > tso; クァ > kwa; クィ > kwi; クェ > kwe;
クォ > kwo; グァ > gwa; ヂャ > ja; ヂュ > ju; ヂョ > jo; ヂ > ji; ヅ > zu; ヲ > o; ッ $ > ;
ン } [ナニヌネノンッー] > n;
::Katakana-Latin; ::NFD;
'~tsu' > ; '~' > ; [^aeiou] { \u0304 > ; ^ \u0304 > ;
::NFC;
"""
# The signs for hard and soft are not sung.
_WITHOUT_SIGNS = "[ʹʺ·’] > ;"
_BULGARIAN = r"""
ия $ > ia; ъ > a; Ъ > A; ь > y; х > h; Х > H;
::Bulgarian-Latin/BGN;
"""
_GREEK = r"::Greek-Latin/UNGEGN; ::NFD; \u0331 > ; ::NFC;"
# Short vowels are not written: ا و ي are read as long ones wherever no vowel can follow them.
_ARABIC = r"""
::NFC;
\u064E ا > ā; \u0650 [يی] > ī; \u064F و > ū;
^ وال } [:Arabic:][:Arabic:] > 'wal-'; ^ ال } [:Arabic:][:Arabic:] > 'al-';
آ > ā; ^ أ > a; ^ إ > i; ^ ا > a; [أإؤئء] > ʾ; ا > ā; ى > ā; ة > a;
[يی] } ا > y; [يی] } [\u064B-\u0651] > y; ^ [يی] > y; [يی] > ī;
و } ا > w; و } [\u064B-\u0651] > w; ^ و $ > wa; ^ و > w; و > ū;
::Arabic-Latin; ::NFD; \u0331 > ; ::NFC;
"""
# Vowels are not written: ו and י are read as the likeliest one, א ה ע as a at the ends of a word.
_HEBREW = r"""
ג[׳\'’] > j; צ[׳\'’] > ch; ז[׳\'’] > zh;
^ [אע] ו > o; ^ [אע] י > i; ו [אה] $ > o; ^ [אע] > a; [אהע] $ > a; [אע] > ; ^ ה > ha; ה > h;
^ ב > b; ב > v; וו > v; ^ ו > ve; ו > o; יי > ay; ^ י > y; י > i;
^ כ > k; [כך] > kh; ^ פ > p; [פף] > f; [צץ] > ts; ח > ẖ; ט > t; ש > sh; ק > k; ת > t;
::Hebrew-Latin;
"""
_GEORGIAN = r"::Georgian-Latin/BGN; ’ > \';"
# CLDR drops ੰ, the other spelling of ਂ.
_PANJABI = "ੰ > ਂ; ::Gurmukhi-Latin;"

RULES = {
    "am": "::Amharic-Latin/BGN;",
    "ar": _ARABIC,
    "be": "::Belarusian-Latin/BGN;" + _WITHOUT_SIGNS,
    "bg": _BULGARIAN,
    "bn": "::Bengali-Latin;",
    "el": _GREEK,
    "fa": _ARABIC,
    "gu": "::Gujarati-Latin;",
    "he": _HEBREW,
    "hi": "::Devanagari-Latin;",
    "hy": "::Armenian-Latin/BGN;",
    "ja": _JAPANESE,
    "ka": _GEORGIAN,
    "kk": "::Kazakh-Latin/BGN;" + _WITHOUT_SIGNS,
    "kn": "::Kannada-Latin;",
    "ky": "::Kirghiz-Latin/BGN;" + _WITHOUT_SIGNS,
    "mk": "::Macedonian-Latin/BGN;",
    "ml": "::Malayalam-Latin;",
    "mn": "::Mongolian-Latin/BGN;" + _WITHOUT_SIGNS,
    "mr": "::Devanagari-Latin;",
    "my": "::my-my_Latn;",
    "or": "::Oriya-Latin;",
    "pa": _PANJABI,
    "ru": "::Russian-Latin/BGN;" + _WITHOUT_SIGNS,
    "si": "::si-si_Latn;",
    "sr": "::Serbian-Latin/BGN;",
    "ta": "::Tamil-Latin;",
    "te": "::Telugu-Latin;",
    "ur": _ARABIC,
    "zh-Hans": "::Traditional-Simplified;",
}
#: What is no kana here is a character, and not ours to read; all others end with Any-Latin, for
#: letters of a neighbour: ї in a Russian song.
MIXED = frozenset(("ja", "zh-Hans"))
