// The countries that have charts; ZZ is the world. A test holds this against the gateway's own list.

export const COUNTRIES =
  ("AE AR AT AU BE BO BR CA CH CL CO CR CZ DE DK DO EC EE EG ES FI FR GB GT HK HN HU ID IE IL IN IS IT JP KE KR LU MX MY " +
    "NG NI NL NO NZ PA PE PH PL PT PY RO RS RU SA SE SG SV TH TR TW TZ UA UG US UY VN ZA ZW ZZ").split(" ");
