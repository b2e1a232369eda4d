using NUnit.Framework;
using TorchZoo.Data;
using TorchZoo.Data.FunctionSpaces;
using TorchZoo.Data.Operators;
using TorchZoo.Numerics;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Data.Operators;

public sealed class OperatorProblemTests
{
    private static readonly GaussianProcessSpace s_space = new() { GridPoints = 200 };

    private static readonly OperatorProblem[] s_problems =
    [
        new Antiderivative { Space = s_space, Steps = 100 },
        new NonlinearOde { Space = s_space, Steps = 50, Sensors = 7 },
        new GravityPendulum { Space = s_space with { Length = 3 }, Steps = 50, GridPoints = 20 },
        new DiffusionReaction { Space = s_space, Nodes = 12, Times = 9 },
        new Advection { Space = s_space, Nodes = 12, Times = 9 },
        new Advection { Space = s_space, Nodes = 12, Times = 9, Steps = 50, Case = AdvectionCase.InflowVelocity },
        new AdvectionDiffusion { Space = s_space, Nodes = 12, Times = 9 },
        new LegendreTransform(),
    ];

    private static double Distance(Tensor a, Tensor b) => (a - b).abs().max().item<double>();

    private static Tensor Grid(double from, double to, long n) => linspace(from, to, n, dtype: ScalarType.Float64);

    private static Func<Tensor, Tensor> Drawn(FunctionSpace space, long n, ulong seed)
    {
        using var generator = new Generator(seed);
        var features = space.Sample(n, generator);
        return x => space.Evaluate(features, x);
    }

    [Test]
    public void AntiderivativeOfASine()
    {
        using var scope = NewDisposeScope();
        var problem = new Antiderivative { GridPoints = 57 };
        var expected = (1 - (problem.Locations().squeeze(1) * Math.PI).cos()) / Math.PI;
        Assert.That(Distance(problem.Solve(x => (x * Math.PI).sin())[0], expected), Is.LessThan(1e-10));
    }

    [Test]
    public void NonlinearOdeWithConstantInput()
    {
        using var scope = NewDisposeScope();
        // s' = c² − s²: s = c tanh(cx); for −c² it is −c tan(cx).
        var problem = new NonlinearOde();
        var s = problem.Solve(x => stack([full_like(x, 4), full_like(x, -1)]));
        var x = problem.Locations().squeeze(1);
        Assert.That(Distance(s[0], (x * 2).tanh() * 2), Is.LessThan(1e-10));
        Assert.That(Distance(s[1], -x.tan()), Is.LessThan(1e-10));
        Assert.That(problem.Solve(x => full_like(x, -9)).isfinite().any().item<bool>(), Is.False); // at −∞ before the end
    }

    [Test]
    public void PendulumWithSmallForce()
    {
        using var scope = NewDisposeScope();
        // Linear for small angles: s'' + s = ε cos 2t from rest gives ε (cos t − cos 2t)/3.
        const double e = 1e-4;
        var problem = new GravityPendulum { Space = s_space with { Length = 5 } };
        var t = problem.Locations().squeeze(1);
        Assert.That(Distance(problem.Solve(x => (x * 2).cos() * e)[0], (t.cos() - (t * 2).cos()) * (e / 3)), Is.LessThan(1e-11));
        // Without gravity: twice the antiderivative.
        Assert.That(Distance((problem with { Gravity = 0 }).Solve(x => x)[0], t.pow(3) / 6), Is.LessThan(1e-10));
    }

    [Test]
    public void OdesAgreeWithFinerSteps()
    {
        using var scope = NewDisposeScope();
        var functions = Drawn(new GaussianProcessSpace { Length = 2 }, 20, 3);
        foreach (OdeProblem problem in new OdeProblem[] { new Antiderivative(), new GravityPendulum { Gravity = 3 } })
        {
            var coarse = problem with { Space = new GaussianProcessSpace { Length = 2 } };
            Assert.That(Distance(coarse.Solve(functions), (coarse with { Steps = 4000 }).Solve(functions)), Is.LessThan(1e-9), problem.Name);
        }
    }

    [Test]
    public void DiffusionWithoutReactionIsTheHeatEquation()
    {
        using var scope = NewDisposeScope();
        // s_t = D s_xx + sin πx from zero: (1 − e^(−Dπ²t))/(Dπ²) sin πx.
        double Error(long n)
        {
            var problem = new DiffusionReaction { Rate = 0, Nodes = n, Times = n };
            var (x, t) = (problem.Locations()[.., 0], problem.Locations()[.., 1]);
            const double a = 0.01 * Math.PI * Math.PI;
            return Distance(problem.Solve(x => (x * Math.PI).sin())[0], (1 - (t * -a).exp()) / a * (x * Math.PI).sin());
        }
        Assert.That(Error(100), Is.LessThan(5e-6));
        Assert.That(Math.Log2(Error(51) / Error(101)), Is.EqualTo(2).Within(0.1));
    }

    [Test]
    public void DiffusionReactionAgreesWithAFinerGrid()
    {
        using var scope = NewDisposeScope();
        var space = new GaussianProcessSpace();
        var functions = Drawn(space, 10, 4);
        // A source that isn't 0 at the ends makes a layer there, of width √(Dt): hence no better than this.
        var coarse = new DiffusionReaction().Solve(functions).reshape(10, 100, 100);
        var fine = new DiffusionReaction { Nodes = 397, Times = 397 }.Solve(functions).reshape(10, 397, 397)
            .slice(1, 0, 397, 4).slice(2, 0, 397, 4);
        Assert.That(Distance(coarse, fine), Is.LessThan(2e-3));
        Assert.That((coarse - fine).square().mean().sqrt().item<double>(), Is.LessThan(2e-4));
        // The reaction does something, and the ends are held.
        Assert.That(Distance(coarse, new DiffusionReaction { Rate = 0 }.Solve(functions).reshape(10, 100, 100)), Is.GreaterThan(1e-3));
        Assert.That(coarse[.., .., 0].abs().max().item<double>() + coarse[.., .., -1].abs().max().item<double>() + coarse[.., 0].abs().max().item<double>(), Is.Zero);
    }

    [Test]
    public void AdvectionShiftsExactly()
    {
        using var scope = NewDisposeScope();
        var functions = Drawn(s_space, 4, 5);
        var periodic = new Advection { Nodes = 21, Times = 21 }.Solve(functions).reshape(4, 21, 21);
        for (var i = 0; i < 20; i++) Assert.That(Distance(periodic[.., i + 1, 1..], periodic[.., i, ..20]), Is.LessThan(1e-9));
        Assert.That(Distance(periodic[.., .., 0], periodic[.., .., 20]), Is.LessThan(1e-9));
        Assert.That(Distance(periodic[.., 0], functions((Grid(0, 1, 21) * Math.PI).sin().square())), Is.LessThan(1e-12));

        var inflow = new Advection { Case = AdvectionCase.InflowState, Nodes = 21, Times = 21 }.Solve(functions).reshape(4, 21, 21);
        for (var i = 0; i < 20; i++) Assert.That(Distance(inflow[.., i + 1, 1..], inflow[.., i, ..20]), Is.LessThan(1e-9));
        Assert.That(Distance(inflow[.., 0], functions(Grid(0, 1, 21)) * Grid(0, 1, 21)), Is.LessThan(1e-12));
        Assert.That(inflow[.., .., 0].abs().max().item<double>(), Is.Zero);
    }

    [Test]
    public void AdvectionWithConstantInputVelocityIsItsClosedForm()
    {
        using var scope = NewDisposeScope();
        // V = 5: a = 1.5.
        var problem = new Advection { Case = AdvectionCase.InflowVelocity, Nodes = 30, Times = 40 };
        var (x, t) = (problem.Locations()[.., 0], problem.Locations()[.., 1]);
        var foot = x - t * 1.5;
        Assert.That(Distance(problem.Solve(x => full_like(x, 5))[0], where(foot >= 0, foot.square(), (foot * (-Math.PI / 1.5)).sin())), Is.LessThan(1e-10));
        problem = problem with { Case = AdvectionCase.PeriodicVelocity };
        Assert.That(Distance(problem.Solve(x => full_like(x, 5))[0], (foot * (2 * Math.PI)).sin()), Is.LessThan(1e-10));
        // A velocity that changes its sign has no travel times.
        Assert.That(problem.Solve(x => full_like(x, -11)).isfinite().any().item<bool>(), Is.False);
    }

    // The scheme that made the published data, as an independent check: Wendroff's box scheme, second order. Along a column of cells
    // s[i+1, n+1] = s[i, n] + (s[i+1, n] − s[i, n+1]) (1 − r)/(1 + r), r = a dt/h.
    [Test]
    public void AdvectionAgreesWithWendroffsScheme([Values(AdvectionCase.InflowVelocity, AdvectionCase.PeriodicVelocity)] AdvectionCase which)
    {
        using var scope = NewDisposeScope();
        const int coarse = 20;
        var space = new GaussianProcessSpace { LengthScale = 0.3 };
        var functions = Drawn(space, 1, 6);
        var problem = new Advection { Case = which, Nodes = coarse + 1, Times = coarse + 1 };
        var exact = problem.Solve(functions).reshape(coarse + 1, coarse + 1);
        double Error(int cells)
        {
            var mid = (arange(0, cells, dtype: ScalarType.Float64) + 0.5) / cells;
            var a = which == AdvectionCase.InflowVelocity ? functions(mid) * 0.1 + 1 : (functions(mid) + functions(1 - mid)) * 0.05 + 1;
            var q = ((1 - a) / (1 + a)).flatten().data<double>().ToArray(); // dt = h
            var s = Enumerable.Range(0, cells + 1).Select(i => i / (double)cells)
                .Select(x => which == AdvectionCase.InflowVelocity ? x * x : Math.Sin(2 * Math.PI * x)).ToArray();
            var worst = 0.0;
            for (var n = 1; n <= cells; n++)
            {
                double[] Sweep(double left)
                {
                    var next = new double[cells + 1];
                    next[0] = left;
                    for (var i = 0; i < cells; i++) next[i + 1] = s[i] + (s[i + 1] - next[i]) * q[i];
                    return next;
                }
                if (which == AdvectionCase.InflowVelocity) s = Sweep(Math.Sin(Math.PI * n / cells));
                else
                {
                    // The last value depends linearly on the first; they must be equal.
                    var (zero, one) = (Sweep(0)[cells], Sweep(1)[cells]);
                    s = Sweep(zero / (1 - (one - zero)));
                }
                if (n % (cells / coarse) != 0) continue;
                var row = tensor(s).slice(0, 0, cells + 1, cells / coarse);
                worst = Math.Max(worst, (row - exact[n * coarse / cells]).abs().mean().item<double>());
            }
            return worst;
        }
        var (coarser, finer) = (Error(200), Error(800));
        TestContext.Out.WriteLine($"{coarser:G3} {finer:G3}");
        // Where initial and inflow data meet, case III has a kink, and the scheme's ripples there fall with h^(2/3) or a little faster.
        var kink = which == AdvectionCase.InflowVelocity;
        Assert.That(finer, Is.LessThan(kink ? 2e-4 : 5e-6));
        Assert.That(Math.Log2(coarser / finer) / 2, Is.GreaterThan(kink ? 2 / 3.0 : 1.95));
    }

    [Test]
    public void AdvectionDiffusionOfSines()
    {
        using var scope = NewDisposeScope();
        // V(z) = z: sin² πx = (1 − cos 2πx)/2.
        var problem = new AdvectionDiffusion { Nodes = 30, Times = 17, Velocity = 0.7, Diffusivity = 0.05, Duration = 2 };
        var (x, t) = (problem.Locations()[.., 0], problem.Locations()[.., 1]);
        var expected = (1 - ((x - t * 0.7) * (2 * Math.PI)).cos() * (t * (-0.05 * 4 * Math.PI * Math.PI)).exp()) / 2;
        Assert.That(Distance(problem.Solve(z => z)[0], expected), Is.LessThan(1e-12));
        // No diffusion: the shift of advection's first case.
        var functions = Drawn(s_space with { LengthScale = 0.5 }, 3, 7);
        Assert.That(Distance(new AdvectionDiffusion { Diffusivity = 0 }.Solve(functions), new Advection().Solve(functions)), Is.LessThan(1e-6));
    }

    [Test]
    public void LegendreTransformOfPolynomials()
    {
        using var scope = NewDisposeScope();
        var problem = new LegendreTransform { Terms = 6, QuadratureNodes = 30 };
        // P₃ and x², whose transforms are 2/7 at n = 3, and 2/3 and 4/15 at n = 0 and 2.
        var j = problem.Solve(x => stack([(x.pow(3) * 5 - x * 3) / 2, x.square()]));
        Assert.That(Distance(j, tensor(new[,] { { 0, 0, 0, 2 / 7.0, 0, 0 }, { 2 / 3.0, 0, 4 / 15.0, 0, 0, 0 } })), Is.LessThan(1e-14));
        Assert.That(problem.Locations().flatten().data<double>().ToArray(), Is.EqualTo(new double[] { 0, 1, 2, 3, 4, 5 }));
        Assert.That(problem.SensorLocations()[0].item<double>(), Is.EqualTo(-1));
        var functions = Drawn(new GaussianProcessSpace { Length = 2 }, 5, 8);
        Tensor Shifted(Tensor x) => functions(x + 1);
        Assert.That(Distance((problem with { QuadratureNodes = 200 }).Solve(Shifted), (problem with { QuadratureNodes = 999 }).Solve(Shifted)), Is.LessThan(1e-6));
    }

    [TestCaseSource(nameof(s_problems))]
    public void BothFormsTellTheSame(OperatorProblem problem)
    {
        using var scope = NewDisposeScope();
        problem = problem with { DType = ScalarType.Float64 };
        var product = problem.CartesianProduct(5, seed: 3);
        Assert.That(product.U.shape, Is.EqualTo(new[] { 5, problem.Sensors }));
        Assert.That(product.Target.shape, Is.EqualTo(new[] { 5, problem.Locations().shape[0] }));
        var triples = problem.Triples(5, 4, seed: 3);
        Assert.That(triples.Count, Is.EqualTo(20));
        Assert.That(Distance(triples.U, product.U), Is.LessThan(1e-12));
        var all = (problem is OdeProblem ode ? ode with { GridPoints = 2001 } : problem).CartesianProduct(5, seed: 3);
        for (var i = 0; i < 20; i++)
        {
            // The value at the nearest location of the grid.
            var distances = (all.Y - triples.Y[i]).abs().sum(1);
            var nearest = distances.argmin().item<long>();
            Assert.That(triples.Function[i].item<long>(), Is.EqualTo(i / 4));
            Assert.That(triples.Target[i, 0].item<double>(), Is.EqualTo(all.Target[i / 4, nearest].item<double>()).Within(problem is OdeProblem ? 5e-3 : 1e-12));
        }
        if (problem is not OdeProblem) // different points of the grid
            Assert.That(triples.Y[..4].data<double>().Chunk((int)triples.Y.shape[1]).Select(p => string.Join(",", p)).Distinct().Count(), Is.EqualTo(4));
    }

    [TestCaseSource(nameof(s_problems))]
    public void FirstFunctionsDontDependOnHowManyFollow(OperatorProblem problem)
    {
        using var scope = NewDisposeScope();
        var generator = problem with { PointsPerFunction = 3, DType = ScalarType.Float64 };
        var (few, many, other) = (generator.Generate(3, 1), generator.Generate(8, 1), generator.Generate(3, 2));
        foreach (var name in few.Keys)
        {
            Assert.That(Distance(few[name], many[name][..3]), Is.LessThan(1e-9), name);
            Assert.That(Distance(few[name], other[name]), Is.GreaterThan(1e-3), name);
        }
        Assert.That(generator.Generate(0, 1)["s"].shape, Is.EqualTo(new long[] { 0, 3 }));
    }

    [Test]
    public void FunctionsWithoutASolutionAreLeftOut()
    {
        using var scope = NewDisposeScope();
        // Nearly constant functions of size up to 4: those below −2.47 blow up.
        var problem = new NonlinearOde { Space = new PowerSeriesSpace { Terms = 1, Magnitude = 4 }, Sensors = 2, Steps = 200 };
        var data = problem.CartesianProduct(100, 1);
        Assert.That(data.Count, Is.EqualTo(100));
        Assert.That(data.Target.isfinite().all().item<bool>());
        Assert.That(data.U.min().item<float>(), Is.InRange(-2.5f, -2f));
        Assert.That(data.U.max().item<float>(), Is.GreaterThan(3.5f));
        // Far too large for the solver's steps, too.
        Assert.That(() => (problem with { Space = new PowerSeriesSpace { Terms = 1, Magnitude = 1e9 } }).Triples(2000, 1, 1), Throws.InstanceOf<ArithmeticException>());
    }

    [Test]
    public void SetsAreCachedUnderAllTheirSettings()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        foreach (var problem in s_problems)
        {
            var generator = problem with { PointsPerFunction = 2 };
            var (stored, read) = (GeneratedData.GetOrCreate(folder.Path, generator, 3, 5), GeneratedData.GetOrCreate(folder.Path, generator, 3, 5));
            foreach (var (name, expected) in stored) Assert.That(read[name].Equals(expected), $"{problem.Name} {name}");
            Assert.That(TripleDataset.FromGenerated(read).Count, Is.EqualTo(6));
        }
        Assert.That(folder.Files, Has.Count.EqualTo(s_problems.Length));
        OperatorProblem[] variants =
        [
            new Antiderivative(), new Antiderivative { Sensors = 50 }, new Antiderivative { PointsPerFunction = 1 },
            new Antiderivative { Space = new GaussianProcessSpace { LengthScale = 0.3 } }, new Antiderivative { Space = new GaussianProcessSpace { GridPoints = 500 } },
            new Antiderivative { Space = new GaussianProcessSpace { Interpolation = Interpolation.Linear } },
            new Antiderivative { Space = new ChebyshevSpace() }, new Antiderivative { Space = new PowerSeriesSpace() },
        ];
        Assert.That(variants.Select(v => GeneratedData.PathOf(folder.Path, "x", v)).Distinct().Count(), Is.EqualTo(variants.Length));
    }

    [Test]
    public void BadSettingsAreRefused()
    {
        void Refused(Func<object> make, string name) => Assert.That(make, Throws.InstanceOf<ArgumentException>().With.Property("ParamName").EqualTo(name));
        Refused(() => new Antiderivative { Sensors = 1 }, "Sensors");
        Refused(() => new Antiderivative { Steps = 0 }, "Steps");
        Refused(() => new NonlinearOde { GridPoints = 1 }, "GridPoints");
        Refused(() => new NonlinearOde { PointsPerFunction = 0 }, "PointsPerFunction");
        Refused(() => new NonlinearOde { Space = new GaussianProcessSpace2d() }, "Space");
        Refused(() => new GravityPendulum { Gravity = double.NaN }, "Gravity");
        Refused(() => new DiffusionReaction { Diffusivity = -1 }, "Diffusivity");
        Refused(() => new DiffusionReaction { Nodes = 2 }, "Nodes");
        Refused(() => new DiffusionReaction { Times = 1 }, "Times");
        Refused(() => new DiffusionReaction { Duration = 0 }, "Duration");
        Refused(() => new Advection { Space = new GaussianProcessSpace { Length = 2 } }, "Space");
        Refused(() => new Advection { Case = (AdvectionCase)7 }, "Case");
        Refused(() => new LegendreTransform { Space = new GaussianProcessSpace() }, "Space");
        Refused(() => new LegendreTransform { Terms = 0 }, "Terms");
        Refused(() => new LegendreTransform().Triples(2, 21, 0), "PointsPerFunction");
        Refused(() => new LegendreTransform().Generate(-1, 0), "samples");
    }
}
