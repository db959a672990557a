// A clock that a song would run by: play, pause, seek. Nothing sounds.

export class Clock {
  // durationSec: where it ends; onTick(sec): told of each frame and of each seek
  constructor(durationSec, onTick) {
    Object.assign(this, { durationSec, onTick, at: 0, since: null });
  }

  get isPlaying() {
    return this.since !== null;
  }

  get sec() {
    const run = this.isPlaying ? (performance.now() - this.since) / 1000 : 0;
    return Math.min(this.durationSec, this.at + run);
  }

  play() {
    if (this.isPlaying) return;
    if (this.at >= this.durationSec) this.at = 0;
    this.since = performance.now();
    this.#frame();
  }

  pause() {
    this.at = this.sec;
    this.since = null;
    this.onTick(this.at);
  }

  seek(sec) {
    this.at = Math.min(this.durationSec, Math.max(0, sec));
    if (this.isPlaying) this.since = performance.now();
    this.onTick(this.at);
  }

  #frame() {
    requestAnimationFrame(() => {
      if (!this.isPlaying) return;
      if (this.sec >= this.durationSec) return this.pause();
      this.onTick(this.sec);
      this.#frame();
    });
  }
}
