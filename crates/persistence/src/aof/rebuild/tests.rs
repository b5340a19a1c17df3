use super::*;

fn rebuilt(files: &[&str]) -> Result<String, Unclear> {
    let files: Vec<String> = files.iter().map(|name| (*name).to_owned()).collect();
    let manifest = rebuild(&Names::new("appendonlydir", "a.aof"), &files)?;
    Ok(String::from_utf8_lossy(&manifest.text()).into_owned())
}

#[test]
fn a_base_and_its_increments_belong_together() {
    let files = [
        "a.aof.10.incr.aof",
        "a.aof.2.base.rdb",
        "a.aof.9.incr.aof",
        "a.aof.lock",
        "b.aof.1.incr.aof",
        "temp-a.aof.incr",
    ];
    let text = "file a.aof.2.base.rdb seq 2 type b\n\
                file a.aof.9.incr.aof seq 9 type i\n\
                file a.aof.10.incr.aof seq 10 type i\n";
    assert_eq!(rebuilt(&files), Ok(text.to_owned()));
}

#[test]
fn the_single_file_of_an_older_version_is_a_base() {
    let text = "file a.aof seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n";
    let files = ["a.aof", "a.aof.1.incr.aof"];
    assert_eq!(rebuilt(&files), Ok(text.to_owned()));
}

#[test]
fn what_is_not_clear_is_for_a_person() {
    assert_eq!(rebuilt(&["a.aof.lock"]), Err(Unclear::Nothing));
    let bases = ["a.aof.1.base.rdb", "a.aof.2.base.aof"];
    let named = bases.map(str::to_owned).to_vec();
    assert_eq!(rebuilt(&bases), Err(Unclear::Bases(named)));
    let increments = ["a.aof.1.incr.aof", "a.aof.3.incr.aof"];
    let [before, after] = increments.map(str::to_owned);
    assert_eq!(rebuilt(&increments), Err(Unclear::Gap(before, after)));
}
