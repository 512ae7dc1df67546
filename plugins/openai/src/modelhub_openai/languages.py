"""Languages as hosts name them, and as everybody else does: ``english`` and ``en-US`` are both ``en``."""

from __future__ import annotations

__all__ = ["code"]

_NAMES = """
en english, zh chinese, zh mandarin, yue cantonese, de german, es spanish, es castilian, ru russian, ko korean, fr french,
ja japanese, pt portuguese, tr turkish, pl polish, ca catalan, ca valencian, nl dutch, nl flemish, ar arabic, sv swedish,
it italian, id indonesian, hi hindi, fi finnish, vi vietnamese, he hebrew, uk ukrainian, el greek, ms malay, cs czech,
ro romanian, ro moldavian, da danish, hu hungarian, ta tamil, no norwegian, th thai, ur urdu, hr croatian, bg bulgarian,
lt lithuanian, la latin, mi maori, ml malayalam, cy welsh, sk slovak, te telugu, fa persian, lv latvian, bn bengali,
sr serbian, az azerbaijani, sl slovenian, kn kannada, et estonian, mk macedonian, br breton, eu basque, is icelandic,
hy armenian, ne nepali, mn mongolian, bs bosnian, kk kazakh, sq albanian, sw swahili, gl galician, mr marathi, pa punjabi,
pa panjabi, si sinhala, si sinhalese, km khmer, sn shona, yo yoruba, so somali, af afrikaans, oc occitan, ka georgian,
be belarusian, tg tajik, sd sindhi, gu gujarati, am amharic, yi yiddish, lo lao, uz uzbek, fo faroese, ht haitian,
ps pashto, ps pushto, tk turkmen, nn nynorsk, mt maltese, sa sanskrit, lb luxembourgish, lb letzeburgesch, my myanmar,
my burmese, bo tibetan, tl tagalog, mg malagasy, as assamese, tt tatar, haw hawaiian, ln lingala, ha hausa, ba bashkir,
jv javanese, su sundanese
"""
_CODES = {name: tag for tag, name in (entry.split() for entry in _NAMES.split(","))}


def code(language: str) -> str:
    """The language's two or three letters, without its region; a name that is not known comes back as it is."""
    plain = language.strip().lower()
    return _CODES.get(plain) or (plain.replace("_", "-").partition("-")[0] if plain.isascii() else plain)
