using TorchZoo.Data.Formats;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>A tune made of formulas: plucked strings in chords, and a voice with vibrato above them.</summary>
internal static class Melody
{
    private const double Beat = 0.25;

    // A bar of eight beats each: three strings of the chord, and the voice's note, as semitones above 220 Hz.
    private static readonly (int[] Chord, int Voice)[] Bars =
        [([-9, -2, 3], 19), ([-12, 0, 3], 15), ([-4, 0, 5], 17), ([-2, 2, 7], 14)];

    /// <summary>The tune's beginning, of largest amplitude 1; it starts again when it is over.</summary>
    public static Sound Play(double seconds, int sampleRate)
    {
        using var scope = NewDisposeScope();
        var sound = zeros((long)Math.Round(seconds * sampleRate), ScalarType.Float64);
        for (var beat = 0; beat * Beat < seconds; beat++)
        {
            var (chord, voice) = Bars[beat / 8 % Bars.Length];
            // Every fourth beat all strings, between them one after the other, an octave higher.
            foreach (var (i, tone) in chord.Index())
                if (beat % 4 == 0 || beat % chord.Length == i)
                    Add(sound, sampleRate, beat, 6, t => Pluck(t, Pitch(tone + (beat % 4 == 0 ? 0 : 12)), sampleRate) * 0.5);
            if (beat % 4 == 1) Add(sound, sampleRate, beat, 3, t => Sing(t, Pitch(voice - beat % 8), sampleRate) * 0.4);
        }
        return new Sound((sound / sound.abs().max()).to(ScalarType.Float32).unsqueeze(0).MoveToOuterDisposeScope(), sampleRate);
    }

    private static double Pitch(int semitones) => 220 * Math.Pow(2, semitones / 12.0);

    // A note of some beats, which is a function of the seconds since it began.
    private static void Add(Tensor sound, int sampleRate, int beat, int beats, Func<Tensor, Tensor> note)
    {
        using var scope = NewDisposeScope();
        var (from, to) = ((long)(beat * Beat * sampleRate), Math.Min((long)((beat + beats) * Beat * sampleRate), sound.shape[0]));
        if (to > from) sound.narrow(0, from, to - from).add_(note(arange(0, to - from, dtype: ScalarType.Float64) / sampleRate));
    }

    // Harmonics that fade, the higher the faster; the end fades too, so that nothing clicks.
    private static Tensor Pluck(Tensor t, double pitch, int sampleRate) => (t * 400).clamp_max(1) * (30 * (6 * Beat - t)).clamp(0, 1)
        * Harmonics(pitch, sampleRate).Select(h => (-(1.5 + h) * t).exp() * (2 * Math.PI * h * pitch * t).sin() / h)
            .Aggregate((a, b) => a + b);

    // A frequency that sways by a third of a semitone 5.5 times a second is a phase that sways by the integral.
    private static Tensor Sing(Tensor t, double pitch, int sampleRate)
    {
        const double sway = 2 * Math.PI * 5.5, depth = 0.02;
        var phase = 2 * Math.PI * pitch * (t + depth / sway * (sway * t).sin());
        return (t * 20).clamp_max(1) * (20 * (3 * Beat - t)).clamp(0, 1)
            * Harmonics(pitch, sampleRate).Take(6).Select(h => (h * phase).sin() / (h * h)).Aggregate((a, b) => a + b);
    }

    // Those that the samples can tell.
    private static IEnumerable<int> Harmonics(double pitch, int sampleRate) =>
        Enumerable.Range(1, 12).TakeWhile(h => h == 1 || h * pitch < 0.45 * sampleRate);
}
