/// A file of any content is a prompt or an error.
pub fn sound(data: &[u8]) {
    for extension in ["", "wav", "ulaw", "gsm", "g722", "sln16"] {
        if let Ok(prompt) = sound::decode(data, extension) {
            assert!(prompt.duration().as_secs() <= 30 * 60);
        }
    }
}
