using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>Random numbers that belong to a step of a run.</summary>
internal static class StepSeed
{
    /// <summary>A generator for one step: the same for the same seed and step, unrelated for others.</summary>
    public static Generator Generator(ulong seed, long step)
    {
        // SplitMix64's finaliser: neighbouring seeds of torch's generator aren't independent streams by contract.
        var z = seed + ((ulong)step + 1) * 0x9E3779B97F4A7C15ul;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ul;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBul;
        return new Generator(z ^ (z >> 31));
    }
}
