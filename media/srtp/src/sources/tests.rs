use super::{EVER, LIVE, NoPlace, Sources, estimate};

fn rtp(sources: &mut Sources, ssrc: u32, sequence: u16) -> Result<u64, NoPlace> {
    let place = sources.place_rtp(ssrc, sequence)?;
    sources.take(place);
    Ok(place.index)
}

/// RFC 3711 appendix A as it stands there.
fn appendix_a(s_l: i64, roc: i64, seq: i64) -> i64 {
    let v = if s_l < 32768 {
        if seq - s_l > 32768 { roc - 1 } else { roc }
    } else if s_l - 32768 > seq {
        roc + 1
    } else {
        roc
    };
    seq + v * 65536
}

#[test]
fn indices_are_guessed_as_in_rfc3711_appendix_a() {
    let ends = [0, 1, 2, 100, 32766, 32767, 32768, 32769, 50000, 65534, 65535];
    for last in ends {
        for sequence in ends {
            let guess = estimate(7 << 16 | last, sequence as u16);
            assert_eq!(guess as i64, appendix_a(last as i64, 7, sequence as i64), "{last} {sequence}");
        }
    }
    assert_eq!(estimate(3, 65535), 65535, "nothing lies before the first rollover");
}

#[test]
fn an_index_is_taken_once() {
    let mut sources = Sources::default();
    assert_eq!(rtp(&mut sources, 1, 65530), Ok(65530));
    assert_eq!(rtp(&mut sources, 1, 4), Ok(65540));
    assert_eq!(rtp(&mut sources, 1, 65530), Err(NoPlace::Used));
    assert_eq!(rtp(&mut sources, 1, 65535), Ok(65535));
    assert_eq!(rtp(&mut sources, 1, 65535), Err(NoPlace::Used));
    assert_eq!(rtp(&mut sources, 1, 100), Ok(65636));
    // 127 behind is the last in the window.
    assert_eq!(rtp(&mut sources, 1, 65508), Err(NoPlace::Used));
    assert_eq!(rtp(&mut sources, 1, 65509), Ok(65509));
    assert_eq!(rtp(&mut sources, 1, 30_000), Ok(65536 + 30_000));
    assert_eq!(rtp(&mut sources, 1, 100), Err(NoPlace::Used));
    assert_eq!(rtp(&mut sources, 2, 100), Ok(100), "another source");
}

#[test]
fn asking_for_a_place_changes_nothing() {
    let mut sources = Sources::default();
    assert_eq!(rtp(&mut sources, 1, 10), Ok(10));
    for sequence in [11, 60_000, 20_000] {
        let _ = sources.place_rtp(1, sequence);
        let _ = sources.place_rtp(2, sequence);
    }
    assert_eq!((sources.live.len(), sources.taken), (1, 1));
    assert_eq!(sources.place_rtp(1, 11).unwrap().index, 11);
}

#[test]
fn a_key_ends_with_its_last_index() {
    let mut sources = Sources::default();
    assert_eq!(rtp(&mut sources, 1, 65535), Ok(65535));
    sources.live[0].window = super::Window::new((1 << 48) - 2);
    assert_eq!(rtp(&mut sources, 1, 65535), Ok((1 << 48) - 1));
    assert_eq!(rtp(&mut sources, 1, 0), Err(NoPlace::KeyUsedUp));
    assert_eq!(rtp(&mut sources, 2, 0), Ok(0));
    sources.taken = 1 << 48;
    assert_eq!(rtp(&mut sources, 2, 1), Err(NoPlace::KeyUsedUp), "as many packets of all sources");

    let mut sources = Sources::default();
    let place = sources.place_rtcp(1, (1 << 31) - 1).unwrap();
    sources.take(place);
    assert_eq!(sources.place_rtcp(1, (1 << 31) - 1).unwrap_err(), NoPlace::Used);
    sources.taken = 1 << 31;
    assert_eq!(sources.place_rtcp(2, 1).unwrap_err(), NoPlace::KeyUsedUp);
}

#[test]
fn the_source_silent_longest_retires_and_goes_on_where_it_was() {
    let mut sources = Sources::default();
    for ssrc in 0..LIVE as u32 {
        assert_eq!(rtp(&mut sources, ssrc, 65535), Ok(65535));
        assert_eq!(rtp(&mut sources, ssrc, 5), Ok(65541));
    }
    assert_eq!(rtp(&mut sources, 0, 6), Ok(65542));
    assert_eq!(rtp(&mut sources, 99, 1), Ok(1));
    assert_eq!(sources.live.len(), LIVE);
    assert_eq!(sources.retired.iter().map(|source| source.ssrc).collect::<Vec<_>>(), [1]);
    assert_eq!(rtp(&mut sources, 1, 4), Err(NoPlace::Used), "what it may have sent stays used");
    assert_eq!(rtp(&mut sources, 1, 10), Ok(65546), "its rollover counter is known");
    assert_eq!(rtp(&mut sources, 1, 5), Err(NoPlace::Used));
    assert_eq!(rtp(&mut sources, 1, 9), Ok(65545), "came late, after the return");
    assert_eq!(sources.retired.len(), 1);
}

#[test]
fn a_key_has_so_many_sources_and_no_more() {
    let mut sources = Sources::default();
    for ssrc in 0..EVER as u32 {
        assert_eq!(rtp(&mut sources, ssrc, 1), Ok(1));
    }
    assert_eq!(rtp(&mut sources, EVER as u32, 1), Err(NoPlace::TooManySources));
    assert_eq!(rtp(&mut sources, 0, 2), Ok(2));
    assert_eq!(rtp(&mut sources, 0, 1), Err(NoPlace::Used));
}
