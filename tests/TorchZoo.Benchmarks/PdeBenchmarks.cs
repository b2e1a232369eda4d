using System.Diagnostics;
using TorchZoo.Data;
using TorchZoo.Data.Pde;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

/// <summary>Generators, each run once: they take seconds.</summary>
internal static class PdeBenchmarks
{
    [Benchmark("pde/burgers-700x1024", "")]
    public static Measurement Burgers(Stopwatches _) => Once(new BurgersGenerator { Viscosity = 0.01 }, 700);

    [Benchmark("pde/darcy-64x128", "60 s", "≤ 60 s")]
    public static Measurement Darcy(Stopwatches _) => Once(new DarcyGenerator { Size = 128 }, 64);

    [Benchmark("pde/navier-stokes-16x64-t10", "120 s (dt = 10⁻²)", "≤ 120 s")]
    public static Measurement NavierStokes(Stopwatches _) => Once(new NavierStokes2dGenerator { Frames = 10 }, 16);

    [Benchmark("pde/navier-stokes-16x64-t10-fine", "120 s (dt = 10⁻³)", "≤ 120 s")]
    public static Measurement NavierStokesFine(Stopwatches _) => Once(new NavierStokes2dGenerator { Frames = 10, TimeStep = 1e-3 }, 16);

    private static Measurement Once(IDataGenerator generator, long samples)
    {
        using var scope = NewDisposeScope();
        var clock = Stopwatch.StartNew();
        generator.Generate(samples, seed: 0);
        return Measurement.Seconds(clock.Elapsed.TotalSeconds);
    }
}
