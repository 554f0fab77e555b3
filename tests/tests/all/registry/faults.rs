//! What a registry stands: the same faults as `cargo xtask fault`, a test each.

use namespace_fault as fault;

#[test]
fn full_disk() {
    let _ = fault::run("full-disk");
}

#[test]
fn read_only_directory() {
    let _ = fault::run("read-only");
}

#[test]
fn database_locked() {
    let _ = fault::run("database-locked");
}

#[test]
fn database_gone() {
    let _ = fault::run("database-gone");
}

#[test]
fn slow_clients() {
    let _ = fault::run("slow-clients");
}

#[test]
fn huge_body() {
    let _ = fault::run("huge-body");
}

#[test]
fn ten_thousand_idle_connections() {
    let _ = fault::run("idle-connections");
}

#[test]
fn uploads_by_nobody_or_by_strangers_leave_room_for_others() {
    let _ = fault::run("slow-uploads");
}

#[test]
fn bodies_that_need_no_key_leave_room_for_publishes() {
    let _ = fault::run("slow-questions");
}

#[test]
fn domains_that_do_not_answer_delay_no_publish_to_another() {
    let _ = fault::run("slow-domains");
}

#[test]
fn two_publishers_of_one_version() {
    let _ = fault::run("two-publishers");
}

#[test]
fn killed_in_the_middle_of_publishes_it_loses_nothing_that_it_acknowledged() {
    let _ = fault::run("kill-9");
}
