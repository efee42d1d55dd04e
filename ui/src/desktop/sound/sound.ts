// Three sounds that can be told apart without looking: ok is one short high note, attention two of
// middle height, error one long low growl. They are made on the spot; a computer that cannot make
// them stays silent, because no sound may get in the way of the work.

export type Sound = "ok" | "attention" | "error";
export const sounds: Sound[] = ["ok", "attention", "error"];
export type Loudness = { on: boolean; volume: number };

type Note = { hz: number; from: number; to: number; shape: OscillatorType; peak: number };

/** In seconds from now; peaks even out what a shape adds to the loudness. */
const scores: Record<Sound, Note[]> = {
  ok: [{ hz: 1047, from: 0, to: 0.09, shape: "sine", peak: 0.8 }],
  attention: [
    { hz: 659, from: 0, to: 0.1, shape: "triangle", peak: 0.9 },
    { hz: 659, from: 0.16, to: 0.26, shape: "triangle", peak: 0.9 },
  ],
  error: [{ hz: 165, from: 0, to: 0.45, shape: "square", peak: 0.5 }],
};
/** Long enough that a note begins and ends without a click. */
const RAMP = 0.008;

const STORED = "stillage.sound";
const usual: Loudness = { on: true, volume: 60 };

/** The volume is in percent. */
export function loudness(): Loudness {
  try {
    const { on, volume } = { ...usual, ...JSON.parse(localStorage.getItem(STORED) ?? "{}") };
    return typeof on === "boolean" && typeof volume === "number" && volume >= 0 && volume <= 100
      ? { on, volume }
      : usual;
  } catch {
    return usual;
  }
}

export function keepLoudness(chosen: Loudness): void {
  localStorage.setItem(STORED, JSON.stringify(chosen));
}

let context: AudioContext | null = null;

export function play(sound: Sound): void {
  const { on, volume } = loudness();
  if (!on || volume === 0) return;
  try {
    context ??= new AudioContext();
    if (context.state !== "running") context.resume().catch(() => {});
    for (const note of scores[sound]) ring(context, note, volume / 100);
  } catch {
    // Silence.
  }
}

function ring(audio: AudioContext, { hz, from, to, shape, peak }: Note, volume: number): void {
  const [start, end] = [audio.currentTime + from, audio.currentTime + to];
  const voice = audio.createOscillator();
  const level = audio.createGain();
  voice.type = shape;
  voice.frequency.value = hz;
  level.gain.setValueAtTime(0, start);
  level.gain.linearRampToValueAtTime(peak * volume, start + RAMP);
  level.gain.setValueAtTime(peak * volume, end - RAMP);
  level.gain.linearRampToValueAtTime(0, end);
  voice.connect(level).connect(audio.destination);
  voice.start(start);
  voice.stop(end);
}
