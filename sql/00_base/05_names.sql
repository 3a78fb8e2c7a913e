-- Names: what people see in mails and on pages, often without knowing who chose it.
--
-- A name is one line in which something can be seen, and nothing else than it seems to be: no sign that turns the
-- text around it, no code that mail programs would read, and, where strangers read it, no address and no link.

create function usher.top_level_domains() returns jsonb
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  -- By key, so that a label is looked up; immutable, so that it is made once for each session.
  select jsonb_object_agg(d.name, true) from regexp_split_to_table(btrim('
    aaa aarp abb abbott abbvie abc able abogado abudhabi ac academy accenture accountant accountants aco actor ad
    ads adult ae aeg aero aetna af afl africa ag agakhan agency ai aig airbus airforce airtel akdn al alibaba alipay
    allfinanz allstate ally alsace alstom am amazon americanexpress americanfamily amex amfam amica amsterdam
    analytics android anquan anz ao aol apartments app apple aq aquarelle ar arab aramco archi army arpa art arte as
    asda asia associates at athleta attorney au auction audi audible audio auspost author auto autos aw aws ax axa
    az azure ba baby baidu banamex band bank bar barcelona barclaycard barclays barefoot bargains baseball
    basketball bauhaus bayern bb bbc bbt bbva bcg bcn bd be beats beauty beer berlin best bestbuy bet bf bg bh
    bharti bi bible bid bike bing bingo bio biz bj black blackfriday blockbuster blog bloomberg blue bm bms bmw bn
    bnpparibas bo boats boehringer bofa bom bond boo book booking bosch bostik boston bot boutique box br bradesco
    bridgestone broadway broker brother brussels bs bt build builders business buy buzz bv bw by bz bzh ca cab cafe
    cal call calvinklein cam camera camp canon capetown capital capitalone car caravan cards care career careers
    cars casa case cash casino cat catering catholic cba cbn cbre cc cd center ceo cern cf cfa cfd cg ch chanel
    channel charity chase chat cheap chintai christmas chrome church ci cipriani circle cisco citadel citi citic
    city ck cl claims cleaning click clinic clinique clothing cloud club clubmed cm cn co coach codes coffee college
    cologne com commbank community company compare computer comsec condos construction consulting contact
    contractors cooking cool coop corsica country coupon coupons courses cpa cr credit creditcard creditunion
    cricket crown crs cruise cruises cu cuisinella cv cw cx cy cymru cyou cz dad dance data date dating datsun day
    dclk dds de deal dealer deals degree delivery dell deloitte delta democrat dental dentist desi design dev dhl
    diamonds diet digital direct directory discount discover dish diy dj dk dm dnp do docs doctor dog domains dot
    download drive dtv dubai dupont durban dvag dvr dz earth eat ec eco edeka edu education ee eg email emerck
    energy engineer engineering enterprises epson equipment er ericsson erni es esq estate et eu eurovision eus
    events exchange expert exposed express extraspace fage fail fairwinds faith family fan fans farm farmers fashion
    fast fedex feedback ferrari ferrero fi fidelity fido film final finance financial fire firestone firmdale fish
    fishing fit fitness fj fk flickr flights flir florist flowers fly fm fo foo food football ford forex forsale
    forum foundation fox fr free fresenius frl frogans frontier ftr fujitsu fun fund furniture futbol fyi ga gal
    gallery gallo gallup game games gap garden gay gb gbiz gd gdn ge gea gent genting george gf gg ggee gh gi gift
    gifts gives giving gl glass gle global globo gm gmail gmbh gmo gmx gn godaddy gold goldpoint golf goo goodyear
    goog google gop got gov gp gq gr grainger graphics gratis green gripe grocery group gs gt gu gucci guge guide
    guitars guru gw gy hair hamburg hangout haus hbo hdfc hdfcbank health healthcare help helsinki here hermes
    hiphop hisamitsu hitachi hiv hk hkt hm hn hockey holdings holiday homedepot homegoods homes homesense honda
    horse hospital host hosting hot hotels hotmail house how hr hsbc ht hu hughes hyatt hyundai ibm icbc ice icu id
    ie ieee ifm ikano il im imamat imdb immo immobilien in inc industries infiniti info ing ink institute insurance
    insure int international intuit investments io ipiranga iq ir irish is ismaili ist istanbul it itau itv jaguar
    java jcb je jeep jetzt jewelry jio jll jm jmp jnj jo jobs joburg jot joy jp jpmorgan jprs juegos juniper kaufen
    kddi ke kerryhotels kerryproperties kfh kg kh ki kia kids kim kindle kitchen kiwi km kn koeln komatsu kosher kp
    kpmg kpn kr krd kred kuokgroup kw ky kyoto kz la lacaixa lamborghini lamer land landrover lanxess lasalle lat
    latino latrobe law lawyer lb lc lds lease leclerc lefrak legal lego lexus lgbt li lidl life lifeinsurance
    lifestyle lighting like lilly limited limo lincoln link live living lk llc llp loan loans locker locus lol
    london lotte lotto love lpl lplfinancial lr ls lt ltd ltda lu lundbeck luxe luxury lv ly ma madrid maif maison
    makeup man management mango map market marketing markets marriott marshalls mattel mba mc mckinsey md me med
    media meet melbourne meme memorial men menu merckmsd mg mh miami microsoft mil mini mint mit mitsubishi mk ml
    mlb mls mm mma mn mo mobi mobile moda moe moi mom monash money monster mormon mortgage moscow moto motorcycles
    mov movie mp mq mr ms msd mt mtn mtr mu museum music mv mw mx my mz na nab nagoya name navy nba nc ne nec net
    netbank netflix network neustar new news next nextdirect nexus nf nfl ng ngo nhk ni nico nike nikon ninja nissan
    nissay nl no nokia norton now nowruz nowtv np nr nra nrw ntt nu nyc nz obi observer office okinawa olayan
    olayangroup ollo om omega one ong onl online ooo open oracle orange org organic origins osaka otsuka ott ovh pa
    page panasonic paris pars partners parts party pay pccw pe pet pf pfizer pg ph pharmacy phd philips phone photo
    photography photos physio pics pictet pictures pid pin ping pink pioneer pizza pk pl place play playstation
    plumbing plus pm pn pnc pohl poker politie porn post pr praxi press prime pro prod productions prof progressive
    promo properties property protection pru prudential ps pt pub pw pwc py qa qpon quebec quest racing radio re
    read realestate realtor realty recipes red redumbrella rehab reise reisen reit reliance ren rent rentals repair
    report republican rest restaurant review reviews rexroth rich richardli ricoh ril rio rip ro rocks rodeo rogers
    room rs rsvp ru rugby ruhr run rw rwe ryukyu sa saarland safe safety sakura sale salon samsclub samsung sandvik
    sandvikcoromant sanofi sap sarl sas save saxo sb sbi sbs sc scb schaeffler schmidt scholarships school schule
    schwarz science scot sd se search seat secure security seek select sener services seven sew sex sexy sfr sg sh
    shangrila sharp shell shia shiksha shoes shop shopping shouji show si silk sina singles site sj sk ski skin sky
    skype sl sling sm smart smile sn sncf so soccer social softbank software sohu solar solutions song sony soy spa
    space sport spot sr srl ss st stada staples star statebank statefarm stc stcgroup stockholm storage store stream
    studio study style su sucks supplies supply support surf surgery suzuki sv swatch swiss sx sy sydney systems sz
    tab taipei talk taobao target tatamotors tatar tattoo tax taxi tc tci td tdk team tech technology tel temasek
    tennis teva tf tg th thd theater theatre tiaa tickets tienda tips tires tirol tj tjmaxx tjx tk tkmaxx tl tm
    tmall tn to today tokyo tools top toray toshiba total tours town toyota toys tr trade trading training travel
    travelers travelersinsurance trust trv tt tube tui tunes tushu tv tvs tw tz ua ubank ubs ug uk unicom university
    uno uol ups us uy uz va vacations vana vanguard vc ve vegas ventures verisign versicherung vet vg vi viajes
    video vig viking villas vin vip virgin visa vision viva vivo vlaanderen vn vodka volvo vote voting voto voyage
    vu wales walmart walter wang wanggou watch watches weather weatherchannel webcam weber website wed wedding weibo
    weir wf whoswho wien wiki williamhill win windows wine winners wme wolterskluwer woodside work works world wow
    ws wtc wtf xbox xerox xihuan xin xxx xyz yachts yahoo yamaxun yandex ye yodobashi yoga yokohama you youtube yt
    yun za zappos zara zero zip zm zone zuerich zw
    vermögensberater vermögensberatung ελ ευ бг бел дети ею католик ком мкд мон москва онлайн орг рус рф сайт срб
    укр қаз հայ ישראל קום ابوظبي ارامكو الاردن البحرين الجزائر السعودية العليان المغرب امارات ایران بارت بازار بيتك
    بھارت تونس سودان سورية شبكة عراق عرب عمان فلسطين قطر كاثوليك كوم مصر مليسيا موريتانيا موقع همراه پاکستان ڀارت
    कॉम नेट भारत भारतम् भारोत संगठन বাংলা ভারত ভাৰত ਭਾਰਤ ભારત ଭାରତ இந்தியா இலங்கை சிங்கப்பூர் భారత్ ಭಾರತ ഭാരതം ලංකා
    คอม ไทย ລາວ გე みんな アマゾン クラウド グーグル コム ストア セール ファッション ポイント 世界 中信 中国 中國 中文网 亚马逊 企业 佛山 信息 健康 八卦 公司 公益 台湾 台灣 商城 商店 商标
    嘉里 嘉里大酒店 在线 大拿 天主教 娱乐 家電 广东 微博 慈善 我爱你 手机 招聘 政务 政府 新加坡 新闻 时尚 書籍 机构 淡马锡 游戏 澳門 点看 移动 组织机构 网址 网店 网站 网络 联通 谷歌 购物 通販
    集团 電訊盈科 飞利浦 食品 餐厅 香格里拉 香港 닷넷 닷컴 삼성 한국
  ', e' \n'), '\s+') d (name)
$$;
comment on function usher.top_level_domains
  is $$The top level domains that there are, as the keys of an object, in lower case: those of other scripts as they
are read, in NFKC.
Source: https://data.iana.org/TLD/tlds-alpha-by-domain.txt, by the npm package tlds 1.261.0.$$;

create function usher.is_title(labels text[], is_alone boolean) returns boolean
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_last text := is_title.labels [cardinality(is_title.labels)];
begin
  -- What firms are called by law, and degrees: Müller GmbH & Co.KG, Ann Smith M.Sc.
  return is_title.is_alone and (
    array_to_string(is_title.labels, '.') in ('co.kg', 'co.ltd', 'pty.ltd', 'pvt.ltd', 'm.sc', 'b.sc')
    or v_last not in (
      'com', 'net', 'org', 'info', 'biz', 'co', 'io', 'ai', 'me', 'cc', 'tv', 'to', 'ly', 'gl', 'gg', 'app', 'dev',
      'xyz', 'link', 'click', 'page', 'site', 'online', 'shop', 'store', 'top', 'icu', 'club', 'live', 'new', 'web',
      'cloud')
    and not exists (
      select from unnest(is_title.labels [:cardinality(is_title.labels) - 1]) l
      where l not in (
        'dr', 'prof', 'mag', 'mr', 'mrs', 'ms', 'mx', 'st', 'ste', 'sr', 'jr', 'dipl', 'ing', 'med', 'dent', 'vet',
        'phil', 'rer', 'nat', 'jur', 'iur', 'oec', 'pol', 'habil')
      -- Domains of one letter are known under two letters, such as t.co, and elsewhere next to none is given.
      and not (l ~ ('^[[:alpha:]]$' collate "und-x-icu") and length(v_last) > 2)));
end
$$;
comment on function usher.is_title
  is $$Whether labels with dots between them are a title, an initial or a form of company in front of a name, written
without the blank: Dr.med, E.Leclerc, Co.KG. They end with what is a top level domain as well, but not with one that
everybody takes for that.

  is_alone  whether nothing follows that would make an address of it, such as a path$$;

create function usher.find_links(value text) returns setof text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_text   text := find_links.value;
  v_found  text[];
  v_labels text[];
  -- With a scheme, whichever, or what a browser reads as one; an address; www.
  v_plain constant text :=
    '((?:[a-z][a-z0-9+-]*:[/\\]{2}'
    '|(?:h..ps?|ftp|mailto|javascript|data|tel|sms|callto|facetime|skype|whatsapp):[^\s])[^\s]*'
    '|[/\\]{2}[^\s/\\][^\s]*'
    '|[^\s@<>"(),;:]+@(?:[^\s@.]+\.)+[^\s@.,;:!?<>")]+|[^\s@<>"(),;:]+@\[[^\s]*'
    '|\mwww\d?\.[^\s]+)';
  -- A label of a domain: letters, marks and digits of any script, hyphens. A symbol ends it, and no class holds
  -- those. But a domain may begin with a picture.
  v_first  text := '(?:[^[:space:][:punct:]]|[_-])';
  v_label  text :=
    '(?:[^[:space:][:punct:]\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf'
    '\u00d7\u00f7\u02c2-\u02c5\u02d2-\u02df\u02e5-\u02ff\u0375\u0384\u0385\u03f6\u0482\u058d-\u058f\u0606-\u060f'
    '\u06de\u06e9\u06fd\u06fe\u0e3f\u17db\u1fbd-\u1fc1\u2000-\u2bff\u2e80-\u3004\u3012-\u3020\u3036-\u303f\u309b\u309c'
    '\u3190-\u319f\u31c0-\u31ef\u3200-\u33ff\u4dc0-\u4dff\ufdfc-\ufdff\ufe62-\ufe69\ufff0-\uffff\U0001d000-\U0001d3ff'
    '\U0001f000-\U0001ffff]|[_-])';
  -- What cannot be seen.
  v_hidden constant text :=
    '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f'
    '\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]';
begin
  -- Most text holds none of the signs that make a link, nor of those that look like them.
  if v_text is null or v_text !~* '[.@:\\]|//|dot|[^\u0001-\u007f]' then
    return;
  end if;
  if v_text ~ '[^\u0001-\u007f]' then
    if usher.is_heaped(v_text) then
      return next left(v_text, 30);
      return;
    end if;
    -- As a browser reads it: full-width signs as their narrow ones, and what cannot be seen not at all. And as a
    -- program reads it that looks for the end of a link: there, such signs end it, and ™ is not the letters "tm".
    v_text := normalize(regexp_replace(v_text, v_hidden, '', 'g')
      || case when v_text ~ '[\u00a0-\u00bf\u2070-\u2bff\u3200-\u33ff\U0001f000-\U0001ffff]' or v_text ~ v_hidden then
        e'\n' || regexp_replace(regexp_replace(v_text, v_hidden, ' ', 'g'),
          '[\u00a0-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u2070-\u2bff\u3200-\u33ff\U0001f000-\U0001ffff]',
          ' ', 'g')
      else '' end, nfkc);
    -- A full stop of Chinese ends a sentence, and is the dot of a domain.
    v_text := lower(replace(v_text, '。', '.') collate "und-x-icu");
  else
    v_text := lower(v_text);
    v_label := '[a-z0-9_-]';
    v_first := v_label;
  end if;
  -- What is to be typed by hand, so that no program sees it.
  if v_text ~ '[\[({]' then
    v_text := regexp_replace(v_text, '\s*[\[({]\s*(?:\.|dot)\s*[\])}]\s*', '.', 'g');
    v_text := regexp_replace(v_text, '\s*[\[({]\s*(?:@|at)\s*[\])}]\s*', '@', 'g');
  end if;

  if v_text ~ '[@:/\\]|www' then
    for v_found in select m from regexp_matches(v_text, v_plain, 'g') m loop
      return next v_found [1];
    end loop;
    if found then
      v_text := regexp_replace(v_text, v_plain, ' ', 'g');
    end if;
  end if;

  if v_text !~ '\.[^\s]' then
    return;
  end if;
  -- By itself, and mail programs make a link of it: an IPv4 address, or a label that is followed by a top level domain.
  for v_found in
    select m from regexp_matches(v_text,
      ('(' || v_first || '+\.(?:' || v_label || '+\.)*' || v_label || '+)(\.*(?:[/?#\\]|:\d)[^\s]?)?')
      collate "und-x-icu", 'g') m
  loop
    v_labels := string_to_array(v_found [1], '.');
    if usher.top_level_domains() ?| v_labels [2:] and not usher.is_title(v_labels, v_found [2] is null)
      or v_found [1] like '%.xn--%' or v_found [1] ~ '^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$'
    then
      return next v_found [1];
    end if;
  end loop;
end
$$;
comment on function usher.find_links
  is $$The addresses and links in a text, in lower case: URLs of any scheme, addresses of mail, and domains without a
scheme, because mail programs make links of those as well. For text whose length was looked at.

So a sentence without a blank after its full stop counts where the next word is a top level domain ("ready.It is"):
programs take it for a link, too. Titles and initials do not (usher.is_title).$$;

create function usher.clean_name(
  value text,
  max_length integer default 100,
  may_link boolean default false
) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_name text;
begin
  -- Words of plain letters first: there is nothing in them to clean.
  if length(clean_name.value) <= least(clean_name.max_length, 100)
    and clean_name.value ~ '^[A-Za-z]+( [A-Za-z]+)*$' collate "C"
  then
    return clean_name.value;
  end if;
  v_name := usher.clean_line(clean_name.value, clean_name.max_length);
  return case
    -- An encoded word (RFC 2047) is read as what it stands for: another name, or a sign that turns the subject.
    when v_name !~ '=\?[^?\s]*\?[bqBQ]\?' and v_name !~ '\u061c'
      -- Fillers, the blank of Braille and marks are letters and symbols to Unicode, and to the eye nothing.
      and regexp_replace(v_name,
        '[\u0300-\u036f\u1160\u115f\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u2800'
        '\u3164\ufe00-\ufe0f\ufe20-\ufe2f\uffa0\U00016fe4\U0001d159\U000e0000-\U000e0fff]',
        '', 'g') ~ ('[[:graph:]]' collate "und-x-icu")
      and (clean_name.may_link or not exists (select from usher.find_links(v_name)))
    then v_name
  end;
end
$$;
comment on function usher.clean_name
  is $$A name as people may be shown it: one line of 1 to max_length characters of which at least one can be seen. Null
for anything else, also for what a mail program would read as an encoded word (RFC 2047).

  may_link  whether it may be or hold an address or a link: what comes from a directory, and only admins see$$;

create function usher.clean_description(
  value text,
  max_length integer
) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_text text := usher.clean_text(clean_description.value, clean_description.max_length);
begin
  return case when v_text = '' or usher.clean_name(
    translate(v_text, e'\n\t', '  '), clean_description.max_length, may_link => true) is not null then v_text end;
end
$$;
comment on function usher.clean_description
  is $$What is said beside a name: nothing, or text of several lines that is otherwise as usher.clean_name has it. It
may hold links.$$;

create function usher.is_reserved_slug(slug text) returns boolean
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select $1 in (
    -- Pages and hosts that a project has itself, or will have.
    'about', 'account', 'accounts', 'admin', 'administrator', 'api', 'app', 'assets', 'auth', 'billing', 'blog', 'cdn',
    'console', 'dashboard', 'docs', 'download', 'functions', 'graphql', 'help', 'invite', 'join', 'localhost', 'login',
    'logout', 'mcp', 'new', 'oauth', 'organisations', 'public', 'register', 'rest', 'root', 'scim', 'security',
    'settings', 'sign-in', 'sign-out', 'sign-up', 'signin', 'signup', 'sso', 'staff', 'static', 'status', 'stop-mail',
    'storage', 'support', 'system', 'usher', 'www',
    -- Names of hosts that mail programs and browsers look for by themselves.
    'autoconfig', 'autodiscover', 'ftp', 'imap', 'isatap', 'mail', 'mta-sts', 'mx', 'ns', 'ns1', 'ns2', 'pop', 'pop3',
    'smtp', 'webmail', 'wpad',
    -- Mailboxes that stand for whoever runs a domain (RFC 2142, and what CAs write to).
    'abuse', 'hostmaster', 'info', 'noc', 'no-reply', 'noreply', 'postmaster', 'webmaster',
    -- What a path says of whoever reads it, or of nothing, and steps on the way in.
    'callback', 'me', 'owner', 'payments', 'secure', 'undefined', 'verify')
    -- Further ones of a kind: www1, api-v1, admins. Few digits, so that usher.free_slug finds one that is not.
    or $1 ~ '^(admin|api|app|auth|cdn|mail|mx|ns|smtp|static|www)s?-?v?[0-9]{0,3}$'
$$;
comment on function usher.is_reserved_slug
  is $$Whether a slug would be taken for the project itself, as a path or as a host of its own: no organisation is given
it any more. One that has it keeps it.$$;
