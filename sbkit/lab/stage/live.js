// live.js: what is told to those who do not see: the latest there is to say, at most once a second.

const PAUSE = 1000; // ms between two messages

/** A function that tells a text as soon as it may be; what is said before then takes its place. */
export function announcer(write, now = () => performance.now(), later = (act, wait) => setTimeout(act, wait)) {
  let [at, told, latest, waiting] = [-Infinity, "", "", false];
  const tell = () => {
    waiting = false;
    if (latest === told) return;
    [told, at] = [latest, now()];
    write(latest);
  };
  return (text) => {
    latest = text;
    if (waiting || text === told) return;
    const wait = at + PAUSE - now();
    if ((waiting = wait > 0)) later(tell, wait);
    else tell();
  };
}
