using System.Buffers.Binary;
using System.Text;
using NUnit.Framework;
using TorchZoo.Data.Formats;
using TorchZoo.Numerics;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Formats;

public class PointCloudFileTests
{
    private const string PlyHead =
        "ply\nformat ascii 1.0\ncomment made by hand\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\n";
    private const string FaceHead = "element face 1\nproperty list int int vertex_indices\nend_header\n1 2 3 4 5 6\n";

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    [TestCase("a.xyz", "# points\n1 2 3 0 0 2\n\n4\t5,6  3 0 4\n")]
    [TestCase("a.ply", PlyHead + "property float nx\nproperty float ny\nproperty float nz\nend_header\n1 2 3 0 0 2\n4 5 6 3 0 4\n")]
    [TestCase("a.ply", "ply\r\nformat ascii 1.0\r\nelement other 1\r\nproperty list uchar int things\r\nelement vertex 2\r\n"
        + "property double nz\r\nproperty double ny\r\nproperty double nx\r\n"
        + "property double z\r\nproperty double y\r\nproperty uchar red\r\nproperty double x\r\nend_header\r\n"
        + "3 7 8 9\r\n2 0 0 3 2 255 1\r\n4 0 3 6 5 0 4\r\n")]
    [TestCase("a.obj", "o thing\nv 1 2 3\nv 4 5 6\nvn 0 0 2\nvn 3 0 4\n")]
    [TestCase("a.OBJ", "v 1 2 3 1\nv 4 5 6 1\nvn 3 0 4\nvn 0 0 2\nvt 0 0\nf 1/1/2 2//1 -2/1/-1\n")]
    public void PointsAndUnitNormalsAreRead(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        using var cloud = PointCloudFile.Load(_folder[name]);
        Assert.Multiple(() =>
        {
            Assert.That(cloud.Points.data<double>().ToArray(), Is.EqualTo(new double[] { 1, 2, 3, 4, 5, 6 }));
            Assert.That(cloud.Normals!.data<double>().ToArray(), Is.EqualTo(new[] { 0, 0, 1, 0.6, 0, 0.8 }).Within(1e-15));
        });
    }

    [TestCase("a.xyz", "1 2 3\n4 5 6")]
    [TestCase("a.obj", "v 1 2 3\nv 4 5 6\nvn 0 0 1\n")]
    [TestCase("a.ply", PlyHead + "end_header\n1 2 3 4 5 6")]
    public void WithoutNormalsThereAreNone(string name, string text)
    {
        File.WriteAllText(_folder[name], text);
        using var cloud = PointCloudFile.Load(_folder[name]);
        Assert.That((cloud.Points.shape[0], cloud.Normals is null), Is.EqualTo((2L, true)));
    }

    [Test]
    public void MeshesComeBack([Values("a.ply", "a.obj")] string name)
    {
        using var scope = NewDisposeScope();
        var x = linspace(-1, 1, 21, ScalarType.Float64);
        using var mesh = IsoSurface.Extract((x.square().reshape(-1, 1, 1) + x.square().reshape(1, -1, 1) + x.square()).sqrt(), 0.7,
            [(-1, 1), (-1, 1), (-1, 1)]);
        MeshFile.Save(_folder[name], mesh);
        using var cloud = PointCloudFile.Load(_folder[name]);
        Assert.Multiple(() =>
        {
            Assert.That(cloud.Points.allclose(mesh.Vertices, 0, 1e-6));
            Assert.That(cloud.Normals!.allclose(mesh.VertexNormals(), 0, 1e-4), "the faces are those of the mesh");
            Assert.That(_folder.Files, Is.EqualTo(new[] { name }));
        });
    }

    [Test]
    public void BinaryPlyMayHaveAnyTypes()
    {
        using var stream = new MemoryStream();
        stream.Write(Encoding.ASCII.GetBytes("ply\nformat binary_little_endian 1.0\nelement vertex 1\n"
            + "property double x\nproperty short y\nproperty uint8 z\n"
            + "property list ushort int8 extra\nproperty int32 nx\nproperty uint ny\nproperty char nz\nend_header\n"));
        var body = new byte[8 + 2 + 1 + 2 + 3 + 4 + 4 + 1];
        BinaryPrimitives.WriteDoubleLittleEndian(body, 0.5);
        BinaryPrimitives.WriteInt16LittleEndian(body.AsSpan(8), -300);
        body[10] = 200;
        body[11] = 3;
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(16), -3);
        body[24] = unchecked((byte)-4);
        stream.Write(body);
        File.WriteAllBytes(_folder["a.ply"], stream.ToArray());
        using var cloud = PointCloudFile.Load(_folder["a.ply"]);
        Assert.Multiple(() =>
        {
            Assert.That(cloud.Points.data<double>().ToArray(), Is.EqualTo(new[] { 0.5, -300, 200 }));
            Assert.That(cloud.Normals!.data<double>().ToArray(), Is.EqualTo(new[] { -0.6, 0, -0.8 }).Within(1e-15));
        });
        // Nor may any of its bytes be missing.
        File.WriteAllBytes(_folder["cut.ply"], stream.ToArray()[..^1]);
        Assert.That(() => PointCloudFile.Load(_folder["cut.ply"]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("cut.ply"));
    }

    [TestCase("a.xyz", "", "no points")]
    [TestCase("a.xyz", "1 2", "line 1: expected 3 or 6 numbers, got 2")]
    [TestCase("a.xyz", "1 2 3\n1 2 3 0 0 1", "line 2: expected 3 numbers, got 6")]
    [TestCase("a.xyz", "1 2 x", "line 1: expected a number, got 'x'")]
    [TestCase("a.xyz", "1 2 NaN", "no finite number")]
    [TestCase("a.obj", "v 1 2", "line 1: expected three numbers after 'v', got 2")]
    [TestCase("a.obj", "v 1 2 3\nf 1 1 2", "line 2: there is no number 2 among the 1 so far")]
    [TestCase("a.obj", "v 1 2 3\nf 1 1 0", "there is no number 0")]
    [TestCase("a.obj", "v 1 2 3\nf 1 1", "at least 3 corners")]
    [TestCase("a.obj", "v 1 2 3\nf 1 1 a", "got 'a'")]
    [TestCase("a.ply", "plx\n", "does not begin")]
    [TestCase("a.ply", "ply\nformat ascii 1.0\n", "the header does not end")]
    [TestCase("a.ply", "ply\nformat binary_big_endian 1.0\nend_header\n", "got 'binary_big_endian'")]
    [TestCase("a.ply", "ply\nend_header\n", "does not say the format")]
    [TestCase("a.ply", "ply\nformat ascii 1.0\nproperty float x\nend_header\n", "isn't understood")]
    [TestCase("a.ply", "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n1", "no x, y and z")]
    [TestCase("a.ply", "ply\nformat ascii 1.0\nelement vertex 1\nproperty word x\nend_header\n1", "no type 'word'")]
    [TestCase("a.ply", PlyHead + "end_header\n1 2 3 4 5", "too short")]
    [TestCase("a.ply", PlyHead + "end_header\n1 2 3 4 5 six", "got 'six'")]
    [TestCase("a.ply", "ply\nformat ascii 1.0\nelement vertex 9000000000000000000\nproperty float x\nend_header\n1", "too short")]
    [TestCase("a.ply", "ply\nformat ascii 1.0\nelement vertex 9000000000000000000\nend_header\n1", "too short")]
    [TestCase("a.ply", PlyHead + FaceHead + "-1 0", "a length that can't be")]
    [TestCase("a.ply", PlyHead + FaceHead + "3 0 1 2", "a corner that isn't there")]
    public void DamagedFilesAreRefusedWithTheirNameAndTheReason(string name, string text, string reason)
    {
        File.WriteAllText(_folder[name], text);
        Assert.That(() => PointCloudFile.Load(_folder[name]),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains(name).And.Message.Contains(reason));
    }

    [Test]
    public void AnEmptyMeshIsAFileToo([Values("a.ply", "a.obj")] string name)
    {
        using var scope = NewDisposeScope();
        using var mesh = new TriangleMesh(zeros(0, 3), zeros([0, 3], ScalarType.Int64));
        MeshFile.Save(_folder[name], mesh);
        Assert.That(() => PointCloudFile.Load(_folder[name]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("no points"));
    }

    [Test]
    public void OtherEndingsAreRefused()
    {
        using var scope = NewDisposeScope();
        using var mesh = new TriangleMesh(zeros(1, 3), zeros([0, 3], ScalarType.Int64));
        Assert.Multiple(() =>
        {
            Assert.That(() => PointCloudFile.Load("points.las"), Throws.ArgumentException.With.Message.Contains(".las"));
            Assert.That(() => MeshFile.Save(_folder["a.stl"], mesh), Throws.ArgumentException.With.Message.Contains(".stl"));
            Assert.That(_folder.Files, Is.Empty);
        });
    }
}
