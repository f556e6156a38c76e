// Runs on the browser's audio thread: makes of what the microphone gives frames of 16-bit samples, and posts each as
// { samples: Int16Array, peak: 0..1 }.
const FRAME_MS = 40;

class Frames extends AudioWorkletProcessor {
  constructor() {
    super();
    this.size = Math.round((sampleRate * FRAME_MS) / 1000);
    this.on = true;
    this.port.onmessage = () => {
      this.on = false; // what has been collected goes as a shorter frame
      this.post();
      this.port.postMessage(null);
    };
    this.begin();
  }

  begin() {
    this.frame = new Int16Array(this.size);
    this.filled = 0;
    this.peak = 0;
  }

  post() {
    if (this.filled === 0) return;
    const samples = this.frame.slice(0, this.filled);
    this.port.postMessage({ samples, peak: this.peak }, [samples.buffer]);
    this.begin();
  }

  process([input]) {
    if (!this.on) return false;
    if (input.length === 0) return true; // nothing is connected yet
    for (let i = 0; i < input[0].length; i++) {
      let value = 0;
      for (const channel of input) value += channel[i] / input.length;
      this.peak = Math.max(this.peak, Math.abs(value));
      this.frame[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(value * 32768)));
      if (this.filled === this.size) this.post();
    }
    return true;
  }
}

registerProcessor('stenopool-frames', Frames);
