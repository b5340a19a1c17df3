//! What the words of a syntax are called, and what kind of value a placeholder stands for.

use super::{Argument, ArgumentKind};

/// The kind of value a placeholder stands for, by its name.
pub(super) fn kind_of(placeholder: &str) -> ArgumentKind {
    match placeholder {
        "destination" | "destkey" | "dst" | "key" | "key1" | "key2" | "newkey" | "source"
        | "sourcekey" | "src" => ArgumentKind::Key,
        "bit" | "bits" | "client-id" | "cluster_bus_port" | "config-epoch" | "count" | "cursor"
        | "db" | "decrement" | "destination-db" | "end" | "end-slot" | "entries_added"
        | "entries_read" | "frequency" | "increment" | "index" | "index1" | "index2" | "len"
        | "limit" | "milliseconds" | "min-idle-time" | "ms" | "num-matches" | "numkeys"
        | "numlocal" | "numreplicas" | "offset" | "port" | "protover" | "rank" | "seconds"
        | "slot" | "start" | "start-slot" | "stop" | "ttl" | "version" | "weight" => {
            ArgumentKind::Integer
        }
        "height" | "latitude" | "longitude" | "max" | "min" | "radius" | "score" | "timeout"
        | "width" => ArgumentKind::Double,
        "pattern" => ArgumentKind::Pattern,
        "unix-time-seconds" | "unix-time-milliseconds" => ArgumentKind::UnixTime,
        _ => ArgumentKind::String,
    }
}

/// The name of a token that has no value.
pub(super) fn of_token(token: &str) -> String {
    match token {
        "" => "empty_string".to_owned(),
        "$" => "new_id".to_owned(),
        "*" => "auto_id".to_owned(),
        "=" => "equal".to_owned(),
        "~" => "approximately".to_owned(),
        "ALPHA" => "sorting".to_owned(),
        "CH" => "change".to_owned(),
        "INCR" => "increment".to_owned(),
        token => token.to_ascii_lowercase(),
    }
}

/// The name of a choice, by what there is to choose from.
pub(super) fn of_choice(alternatives: &[Argument]) -> String {
    let joined = joined(alternatives.iter());
    let name = match joined.as_str() {
        "nx_xx" | "nx_xx_gt_lt" => "condition",
        "gt_lt" => "comparison",
        "asc_desc" => "order",
        "circle_box" => "by",
        "member_longitude_latitude" => "from",
        "left_right" | "min_max" | "before_after" => "where",
        "m_km_ft_mi" => "unit",
        "byte_bit" => "index_unit",
        "host-port_no-one" => "args",
        "sum_min_max" => "aggregate",
        "byscore_bylex" => "sortby",
        "maxlen_minid" => "strategy",
        "equal_approximately" => "operator",
        "auto_id_id" => "id_or_auto",
        name if name.starts_with("seconds_milliseconds") => "expiration",
        name => name,
    };
    name.to_owned()
}

/// Of two ends of lists, an element comes from the first and goes to the second.
pub(super) fn tell_ends_apart(arguments: &mut [Argument]) {
    let ends = arguments.iter_mut().filter(|it| it.name == "where");
    if let [from, to] = &mut ends.collect::<Vec<_>>()[..] {
        from.name.push_str("from");
        to.name.push_str("to");
    }
}

/// Who waits for replicas counts whole milliseconds.
pub(super) fn count_time_beside_replicas(arguments: &mut [Argument]) {
    if let [replicas, timeout] = arguments
        && (replicas.name.as_str(), timeout.name.as_str()) == ("numreplicas", "timeout")
    {
        timeout.kind = ArgumentKind::Integer;
    }
}

/// The name of a block, by the arguments it cannot do without.
pub(super) fn of_block(token: Option<&str>, arguments: &[Argument]) -> String {
    let name = joined(arguments.iter().filter(|argument| !argument.optional));
    match joined(arguments.iter()).as_str() {
        "count_withscores" | "count_withvalues" => return "options".to_owned(),
        "radius_unit" => return "circle".to_owned(),
        "host_port" => return "host-port".to_owned(),
        "host_port_force" => return "target".to_owned(),
        "no_one" => return "no-one".to_owned(),
        "width_height_unit" => return "box".to_owned(),
        _ => {}
    }
    match (name.is_empty(), token) {
        // A bare count, with what belongs to it.
        (false, None) if name == "count" && arguments[0].token.is_none() => "options".to_owned(),
        (false, _) => name,
        (true, Some(token)) => of_token(token),
        (true, None) => joined(arguments.iter()),
    }
}

fn joined<'a>(arguments: impl Iterator<Item = &'a Argument>) -> String {
    let names: Vec<&str> = arguments.map(|argument| argument.name.as_str()).collect();
    names.join("_")
}
