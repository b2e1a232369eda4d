using CsCheck;
using NUnit.Framework;
using TorchZoo.Numerics;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Numerics;

public class LevelSetTests
{
    private static readonly (double Low, double High) Unit = (-1, 1);

    [Test]
    public void ACircleIsOneClosedLineOfItsLength()
    {
        using var scope = NewDisposeScope();
        const double r = 0.6123; // at no node
        var line = Contour.Extract(Radius(101, 101), r, [Unit, Unit]).Single();
        Assert.Multiple(() =>
        {
            Assert.That(line.IsClosed);
            Assert.That(line.Length, Is.EqualTo(2 * Math.PI * r).Within(1e-3));
            Assert.That(line.Points.Max(p => Math.Abs(Math.Sqrt((p.First * p.First) + (p.Second * p.Second)) - r)), Is.LessThan(3e-4));
            Assert.That(SignedArea(line), Is.EqualTo(Math.PI * r * r).Within(1e-3), "the lower values are on the left");
            Assert.That(line.Points.Distinct().Count(), Is.EqualTo(line.Points.Count), "no point twice");
        });
    }

    [Test]
    public void LinesThatLeaveTheGridAreOpen()
    {
        using var scope = NewDisposeScope();
        // x + 2y = 0.3 from border to border, exactly: the interpolation is linear.
        var x = linspace(-1, 1, 8, ScalarType.Float64).unsqueeze(1);
        var y = linspace(-1, 1, 5, ScalarType.Float64);
        var line = Contour.Extract(x + 2 * y, 0.3, [Unit, Unit]).Single();
        Assert.Multiple(() =>
        {
            Assert.That(line.IsClosed, Is.False);
            Assert.That(line.Points.Select(p => p.First + (2 * p.Second)), Is.All.EqualTo(0.3).Within(1e-14));
            Assert.That(line.Length, Is.EqualTo(Math.Sqrt(5)).Within(1e-14));
        });
    }

    [Test]
    public void ASaddleIsCutAsTheBilinearInterpolantIs()
    {
        using var scope = NewDisposeScope();
        // The saddle of (−3, 1; 1, −1) has the value (3 − 1)/(−6) < 0: what is below 0 hangs together, each line cuts off a corner above
        // it. The other way around for (−1, 3; 3, −1)·½, whose saddle is above 0.
        var joined = Contour.Extract(tensor(new double[,] { { -3, 1 }, { 1, -1 } }));
        var apart = Contour.Extract(tensor(new double[,] { { -1, 3 }, { 3, -1 } }));
        Assert.Multiple(() =>
        {
            Assert.That(joined.Count(l => l.Points.ToHashSet().SetEquals([(0, 0.75), (0.5, 1)])), Is.EqualTo(1), "around (0, 1)");
            Assert.That(joined.Count(l => l.Points.ToHashSet().SetEquals([(0.75, 0), (1, 0.5)])), Is.EqualTo(1), "around (1, 0)");
            Assert.That(apart.Count(l => l.Points.ToHashSet().SetEquals([(0, 0.25), (0.25, 0)])), Is.EqualTo(1), "around (0, 0)");
            Assert.That(apart.Count(l => l.Points.ToHashSet().SetEquals([(0.75, 1), (1, 0.75)])), Is.EqualTo(1), "around (1, 1)");
        });
    }

    [TestCase(0, 5)]
    [TestCase(1, 5)]
    [TestCase(4, 5)]
    public void WithoutACrossingThereIsNothing(long rows, long columns)
    {
        using var scope = NewDisposeScope();
        Assert.Multiple(() =>
        {
            Assert.That(Contour.Extract(ones(rows, columns)), Is.Empty);
            Assert.That(Contour.Extract(ones(rows, columns), 1), Is.Empty, "values at the level are not below it");
            using var mesh = IsoSurface.Extract(ones(rows, columns, columns));
            Assert.That((mesh.Vertices.shape, mesh.Faces.shape),
                Is.EqualTo((new long[] { 0, 3 }, new long[] { 0, 3 })).Using<(long[], long[])>(
                (a, b) => a.Item1.SequenceEqual(b.Item1) && a.Item2.SequenceEqual(b.Item2)));
            Assert.That((mesh.Area, mesh.Volume, mesh.EulerCharacteristic), Is.EqualTo((0.0, 0.0, 0L)));
        });
    }

    [Test]
    public void ASphereHasItsAreaVolumeAndTopology()
    {
        using var scope = NewDisposeScope();
        const double r = 0.7;
        using var mesh = IsoSurface.Extract(Radius(41, 37, 45), r, [Unit, Unit, Unit]);
        Assert.Multiple(() =>
        {
            Assert.That(mesh.IsClosed);
            Assert.That(mesh.EulerCharacteristic, Is.EqualTo(2));
            Assert.That(mesh.Area, Is.EqualTo(4 * Math.PI * r * r).Within(0.5).Percent);
            Assert.That(mesh.Volume, Is.EqualTo(4 * Math.PI * r * r * r / 3).Within(0.5).Percent, "positive: it faces outward");
            Assert.That((mesh.Vertices.norm(1) - r).abs().max().item<double>(), Is.LessThan(1e-3));
            var outward = (mesh.VertexNormals() * mesh.Vertices / r).sum(1);
            Assert.That(outward.min().item<double>(), Is.GreaterThan(0.99));
        });
    }

    [Test]
    public void ATorusHasAHandleAndTwoSpheresAreTwoParts()
    {
        using var scope = NewDisposeScope();
        var x = Axes(40, 40, 40);
        var torus = (((x[0].square() + x[1].square()).sqrt() - 0.6).square() + x[2].square()).sqrt();
        using var ring = IsoSurface.Extract(torus, 0.2, [Unit, Unit, Unit]);
        using var pair = IsoSurface.Extract(minimum((x[0] - 0.5).square(), (x[0] + 0.5).square()) + x[1].square() + x[2].square(), 0.1,
            [Unit, Unit, Unit]);
        Assert.Multiple(() =>
        {
            Assert.That(ring.EulerCharacteristic, Is.Zero);
            Assert.That(ring.Volume, Is.EqualTo(2 * Math.PI * Math.PI * 0.6 * 0.04).Within(1.5).Percent);
            Assert.That(pair.EulerCharacteristic, Is.EqualTo(4));
            Assert.That(pair.IsClosed);
        });
    }

    [Test]
    public void ALevelOnNodesKeepsTheTopology()
    {
        using var scope = NewDisposeScope();
        // |x| + |y| + |z| = 4 on whole numbers: nodes on every edge and face of the octahedron are at the level.
        var x = arange(-6, 7, ScalarType.Float64);
        var field = x.abs().reshape(-1, 1, 1) + x.abs().reshape(1, -1, 1) + x.abs();
        using var mesh = IsoSurface.Extract(field, 4);
        var line = Contour.Extract(field[6], 4).Single();
        Assert.Multiple(() =>
        {
            Assert.That(mesh.IsClosed);
            Assert.That(mesh.EulerCharacteristic, Is.EqualTo(2));
            Assert.That(mesh.Volume, Is.EqualTo(4.0 / 3 * 64).Within(1e-9));
            Assert.That(line.IsClosed);
            Assert.That(line.Length, Is.EqualTo(16 * Math.Sqrt(2)).Within(1e-9));
        });
    }

    // Noise has every case of a cube, all ambiguous ones too. Surrounded by values above the level the surface must be closed.
    [Test, Category("Property")]
    public void NoiseHasClosedSurfacesAndLines() =>
        Gen.Select(Gen.Int[2, 7], Gen.Int[2, 7], Gen.Int[2, 7], Gen.Int[0, int.MaxValue], Gen.Bool).Sample((a, b, c, seed, whole) =>
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        var noise = randn([a, b, c], ScalarType.Float64, generator: generator);
        // Whole numbers hit the level at many nodes.
        if (whole) noise = noise.round();
        using var mesh = IsoSurface.Extract(nn.functional.pad(noise, [1, 1, 1, 1, 1, 1], value: 3));
        var lines = Contour.Extract(nn.functional.pad(noise[0], [1, 1, 1, 1], value: 3));
        Assert.That((mesh.IsClosed, mesh.EulerCharacteristic % 2, lines.All(l => l.IsClosed)), Is.EqualTo((true, 0L, true)));
        Assert.That((mesh.Volume, lines.Sum(SignedArea)), Is.GreaterThanOrEqualTo((-1e-9, -1e-9)).Using<(double, double)>(
            (x, y) => x.Item1 >= y.Item1 && x.Item2 >= y.Item2 ? 0 : -1));
    }, iter: 300);

    [Test]
    public void BadInputIsRefused()
    {
        using var scope = NewDisposeScope();
        Assert.Multiple(() =>
        {
            Assert.That(() => Contour.Extract(ones(3, 3, 3)), Throws.ArgumentException.With.Property("ParamName").EqualTo("field"));
            Assert.That(() => IsoSurface.Extract(ones(3, 3)), Throws.ArgumentException.With.Property("ParamName").EqualTo("field"));
            Assert.That(() => Contour.Extract(ones([3, 3], ScalarType.Int64)),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("field"));
            Assert.That(() => Contour.Extract(full([3, 3], double.NaN)),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("field"));
            Assert.That(() => Contour.Extract(ones(3, 3), double.NaN),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("level"));
            Assert.That(() => Contour.Extract(ones(3, 3), 0, [Unit]), Throws.ArgumentException.With.Property("ParamName").EqualTo("axes"));
            Assert.That(() => Contour.Extract(ones(3, 3), 0, [Unit, (1, 1)]),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("axes"));
            Assert.That(() => new TriangleMesh(ones(3, 3), tensor(new long[,] { { 0, 1, 3 } })),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("faces"));
            Assert.That(() => new TriangleMesh(ones(3, 2), zeros([0, 3], ScalarType.Int64)),
                Throws.ArgumentException.With.Property("ParamName").EqualTo("vertices"));
        });
    }

    private static double SignedArea(ContourLine line)
    {
        var sum = 0.0;
        for (var i = 0; i < line.Points.Count; i++)
        {
            var (a, b) = (line.Points[i], line.Points[(i + 1) % line.Points.Count]);
            sum += (a.First * b.Second) - (a.Second * b.First);
        }
        return sum / 2;
    }

    private static Tensor[] Axes(params long[] sizes) => meshgrid([.. sizes.Select(n => linspace(-1, 1, n, ScalarType.Float64))], "ij");

    private static Tensor Radius(params long[] sizes) => Axes(sizes).Select(x => x.square()).Aggregate((a, b) => a + b).sqrt();
}
