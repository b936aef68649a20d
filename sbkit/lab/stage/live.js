// live.js: what is told to those who do not see: the latest there is to say, at most once a second.

const PAUSE = 1000; // ms between two messages

export class Announcer {
  constructor(write, now = () => performance.now(), later = (act, wait) => setTimeout(act, wait)) {
    Object.assign(this, { write, now, later, at: -Infinity, told: "", latest: "", waiting: false });
  }

  /** Tell it as soon as it may be; what is said before then takes its place. */
  say(text) {
    this.latest = text;
    if (this.waiting || text === this.told) return;
    this.waiting = true;
    const wait = this.at + PAUSE - this.now();
    if (wait > 0) this.later(() => this.tell(), wait);
    else this.tell();
  }

  tell() {
    this.waiting = false;
    if (this.latest === this.told) return;
    [this.told, this.at] = [this.latest, this.now()];
    this.write(this.latest);
  }
}
