using TorchSharp;

namespace TorchZoo;

/// <summary>Where random numbers come from: libtorch's generators, the order of data, .NET's randomness.</summary>
public static class Seed
{
    /// <summary>The seed of this process; new <see cref="Training.TrainerOptions"/> take it for the order of data. 0 before
    /// <see cref="Set"/>.</summary>
    public static ulong Current { get; private set; }

    /// <summary>.NET's randomness, for one thread at a time; code that runs side by side makes its own with <see cref="RandomFor"/>.</summary>
    public static Random Random { get; private set; } = new(0);

    /// <summary>Seeds everything: libtorch on all devices, <see cref="Random"/>, and what is derived from <see cref="Current"/>. Two runs of
    /// the same program after it give identical weights on a CPU with as many threads.</summary>
    public static void Set(ulong seed)
    {
        TorchRuntime.EnsureLoaded();
        Current = seed;
        Random = RandomFor();
        // Seeds CUDA's generators too.
        torch.random.manual_seed(unchecked((long)seed));
    }

    /// <summary>A stream of .NET randomness of its own, by counters: e.g. the number of an epoch, of a rank, of an example.</summary>
    public static Random RandomFor(params ReadOnlySpan<ulong> counters)
    {
        var seed = Current;
        foreach (var counter in counters) seed = Derive(seed, counter);
        return new Random(unchecked((int)Derive(seed, 0)));
    }

    /// <summary>A seed for one of many streams. Neighbouring seeds of one generator are not independent streams by contract: this spreads them
    /// (SplitMix64's finaliser; Steele, Lea and Flood 2014).</summary>
    /// <param name="seed">The common seed.</param>
    /// <param name="counter">Number of the stream.</param>
    public static ulong Derive(ulong seed, ulong counter)
    {
        var z = unchecked(seed + (counter + 1) * 0x9E3779B97F4A7C15ul);
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ul);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EBul);
        return z ^ (z >> 31);
    }
}
