use super::*;

/// A tree in one line: name, kind, `@token`, `?` optional, `*` multiple, `@*` token multiple.
fn shape(arguments: &[Argument]) -> String {
    let one = |argument: &Argument| {
        let mut text = format!("{}:{}", argument.name, argument.kind.name());
        if let Some(token) = &argument.token {
            text += &format!("@{token}");
        }
        let marks = [
            (argument.optional, "?"),
            (argument.multiple, "*"),
            (argument.multiple_token, "@*"),
        ];
        marks
            .iter()
            .filter(|(set, _)| *set)
            .for_each(|(_, mark)| text += mark);
        if let Some(spec) = argument.key_spec {
            text += &format!("#{spec}");
        }
        if !argument.arguments.is_empty() {
            text += &format!("({})", shape(&argument.arguments));
        }
        text
    };
    arguments.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(syntax: &str, expected: &str) {
    let parsed = parse_syntax(syntax).map(|arguments| shape(&arguments));
    assert_eq!(parsed.as_deref(), Ok(expected), "{syntax}");
}

#[test]
fn tokens_own_the_values_behind_them() {
    check(
        "cursor [MATCH pattern] [COUNT count] [TYPE type]",
        "cursor:integer pattern:pattern@MATCH? count:integer@COUNT? type:string@TYPE?",
    );
    check(
        "key1 key2 [LEN] [IDX] [MINMATCHLEN len]",
        "key1:key key2:key len:pure-token@LEN? idx:pure-token@IDX? len:integer@MINMATCHLEN?",
    );
    check(
        "[FULL [COUNT count]]",
        "full:block@FULL?(count:integer@COUNT?)",
    );
    check(
        "[COUNT count [ANY]]",
        "count:block?(count:integer@COUNT any:pure-token@ANY?)",
    );
    check(
        "key [count [WITHVALUES]]",
        "key:key options:block?(count:integer withvalues:pure-token@WITHVALUES?)",
    );
    check(
        "[TO host port [FORCE]]",
        "target:block@TO?(host:string port:integer force:pure-token@FORCE?)",
    );
    check(
        "GROUP group consumer [NOACK] STREAMS key [key ...] id [id ...]",
        "group_consumer:block@GROUP(group:string consumer:string) noack:pure-token@NOACK? \
         key_id:block@STREAMS(key:key* id:string*)",
    );
    check(
        "<host port | NO ONE>",
        "args:oneof(host-port:block(host:string port:integer) \
         no-one:block(no:pure-token@NO one:pure-token@ONE))",
    );
    check(
        "<key | \"\">",
        "key_empty_string:oneof(key:key empty_string:pure-token@)",
    );
}

#[test]
fn choices_are_named_by_what_they_choose() {
    check(
        "key value [NX | XX] [GET] [EX seconds | PX milliseconds | KEEPTTL]",
        "key:key value:string condition:oneof?(nx:pure-token@NX xx:pure-token@XX) \
         get:pure-token@GET? expiration:oneof?(seconds:integer@EX milliseconds:integer@PX \
         keepttl:pure-token@KEEPTTL)",
    );
    check(
        "[<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id>",
        "strategy_threshold:block?(strategy:oneof(maxlen:pure-token@MAXLEN \
         minid:pure-token@MINID) operator:oneof?(equal:pure-token@= \
         approximately:pure-token@~) threshold:string count:integer@LIMIT?) \
         id_or_auto:oneof(auto_id:pure-token@* id:string)",
    );
    check(
        "<FROMMEMBER member | FROMLONLAT longitude latitude> \
         <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>>",
        "from:oneof(member:string@FROMMEMBER \
         longitude_latitude:block@FROMLONLAT(longitude:double latitude:double)) \
         by:oneof(circle:block(radius:double@BYRADIUS unit:oneof(m:pure-token@M \
         km:pure-token@KM ft:pure-token@FT mi:pure-token@MI)) box:block(width:double@BYBOX \
         height:double unit:oneof(m:pure-token@M km:pure-token@KM ft:pure-token@FT \
         mi:pure-token@MI)))",
    );
    check(
        "[FILTERBY <MODULE module-name | PATTERN pattern>]",
        "module-name_pattern:oneof@FILTERBY?(module-name:string@MODULE \
         pattern:pattern@PATTERN)",
    );
}

#[test]
fn repetitions_fold_into_what_they_repeat() {
    check("key [key ...]", "key:key*");
    check("[value ...]", "value:string?*");
    check("[section [section ...]]", "section:string?*");
    check("numkeys key [key ...]", "numkeys:integer key:key*");
    check(
        "key value [key value ...]",
        "key_value:block*(key:key value:string)",
    );
    check(
        "key [CH] score member [score member ...]",
        "key:key change:pure-token@CH? score_member:block*(score:double member:string)",
    );
    check(
        "<[ID client-id] | [SKIPME yes/no]> [...]",
        "client-id_yes/no:oneof*(client-id:integer@ID? yes/no:string@SKIPME?)",
    );
    check(
        "<parameter value> [<parameter value> ...]",
        "parameter_value:block*(parameter:string value:string)",
    );
    check("[WEIGHTS weight [weight ...]]", "weight:integer@WEIGHTS?*");
    check("[GET pattern [GET pattern ...]]", "pattern:pattern@GET?*@*");
    check(
        "[CONFIG name value [CONFIG name value ...]]",
        "name_value:block@CONFIG?*@*(name:string value:string)",
    );
    check(
        "key [GET offset | SET value [GET offset | SET value ...]]",
        "key:key offset_value:oneof?*(offset:integer@GET value:string@SET)",
    );
    check(
        "<ip:port | <[ID client-id] | [SKIPME yes/no] [[ID client-id] | [SKIPME yes/no] ...]>>",
        "ip:port_client-id_yes/no:oneof(ip:port:string client-id_yes/no:oneof*(\
         client-id:integer@ID? yes/no:string@SKIPME?))",
    );
}

#[test]
fn what_is_not_the_notation_is_refused() {
    let syntaxes = [
        "[",
        "]",
        "key [",
        "<a | b]",
        "a | b",
        "[]",
        "[a | ]",
        "a ...",
        "[a ... b]",
        "[...]",
        "<a ...>",
        ">",
    ];
    for syntax in syntaxes {
        assert!(parse_syntax(syntax).is_err(), "{syntax}");
    }
    assert_eq!(parse_syntax(""), Ok(Vec::new()));
}

fn numbered(syntax: &'static str, keys: Vec<KeySpec>) -> String {
    let command = Command {
        syntax,
        keys: keys.leak(),
        ..Command::BLANK
    };
    shape(&command.arguments())
}

#[test]
fn keys_are_related_to_their_specifications() {
    const RO: Access = Access::RO;
    const STORE: KeySpec = KeySpec {
        begin: Begin::Keyword {
            word: "STORE",
            from: 4,
        },
        ..KeySpec::at(0, RO)
    };
    const HIDDEN: KeySpec = KeySpec {
        begin: Begin::Unknown,
        find: Find::Unknown,
        ..KeySpec::at(0, RO)
    };
    assert_eq!(numbered("key", vec![]), "key:string");
    assert_eq!(
        numbered("key [key ...]", vec![KeySpec::from(1, RO)]),
        "key:key*#0"
    );
    assert_eq!(
        numbered("key1 key2", vec![KeySpec::range(1, RO, 1, 1)]),
        "key1:key#0 key2:key#0"
    );
    assert_eq!(
        numbered(
            "source destination",
            vec![KeySpec::at(1, RO), KeySpec::at(2, RO)]
        ),
        "source:key#0 destination:key#1"
    );
    assert_eq!(
        numbered(
            "destination numkeys key [key ...]",
            vec![KeySpec::at(1, RO), KeySpec::counted(2, RO)]
        ),
        "destination:key#0 numkeys:integer key:key*#1"
    );
    assert_eq!(
        numbered("key [STORE key]", vec![KeySpec::at(1, RO), STORE]),
        "key:key#0 key:key@STORE?#1"
    );
    assert_eq!(
        numbered(
            "key [STORE destination]",
            vec![KeySpec::at(1, RO), HIDDEN, HIDDEN]
        ),
        "key:key#0 destination:key@STORE?#2"
    );
    assert_eq!(
        numbered(
            "key [BY pattern] [STORE destination]",
            vec![KeySpec::at(1, RO), HIDDEN, HIDDEN]
        ),
        "key:key#0 pattern:pattern@BY?#1 destination:key@STORE?#2"
    );
    assert_eq!(
        numbered("shardchannel key", vec![KeySpec::at(1, Access::NOT_KEY)]),
        "shardchannel:string key:string"
    );
}

#[test]
fn two_ends_are_where_from_and_where_to() {
    let ends = |name| format!("{name}:oneof(left:pure-token@LEFT right:pure-token@RIGHT)");
    let one = format!("key:key {}", ends("where"));
    check("key <LEFT | RIGHT>", &one);
    let two = format!("key:key {} {}", ends("wherefrom"), ends("whereto"));
    check("key <LEFT | RIGHT> <LEFT | RIGHT>", &two);
}
