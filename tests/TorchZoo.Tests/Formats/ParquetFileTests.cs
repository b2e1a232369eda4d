using NUnit.Framework;
using ParquetSharp;
using TorchZoo.Data.Formats;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Formats;

public class ParquetFileTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    /// <summary>A file of several groups of rows.</summary>
    internal static void Write(string path, int groups = 3, int rows = 7, Compression compression = Compression.Snappy)
    {
        Column[] columns =
        [
            new Column<int>("i"), new Column<long>("l"), new Column<float>("f"), new Column<double>("d"), new Column<bool>("b"),
            new Column<double?>("gaps"), new Column<int?>("some"), new Column<long?>("whole"), new Column<byte>("u8"), new Column<ushort>("u16"),
            new Column<uint>("u32"), new Column<uint?>("u32gaps"), new Column<float[]>("lists"), new Column<int[][]>("tables"), new Column<double[]>("ragged"), new Column<string>("text"),
        ];
        using var writer = new ParquetFileWriter(path, columns, compression);
        for (var g = 0; g < groups; g++)
        {
            int[] at = [.. Enumerable.Range(g * rows, rows)];
            using var group = writer.AppendRowGroup();
            Put(at);
            Put(at.Select(i => (long)i << 33));
            Put(at.Select(i => i / 3f));
            Put(at.Select(i => i / 7.0));
            Put(at.Select(i => i % 3 == 0));
            Put(at.Select(i => i % 4 == 0 ? (double?)null : i));
            Put(at.Select(i => i % 5 == 0 ? (int?)null : i));
            Put(at.Select(i => (long?)i));
            Put(at.Select(i => (byte)(200 + i)));
            Put(at.Select(i => (ushort)(60_000 + i)));
            Put(at.Select(i => 4_000_000_000 + (uint)i));
            Put(at.Select(i => i % 5 == 0 ? (uint?)null : 4_000_000_000 + (uint)i));
            Put(at.Select(i => new float[] { i, i + 0.5f }));
            Put(at.Select(i => new int[][] { [i, 1, 2], [3, 4, i] }));
            Put(at.Select(i => new double[i % 3]));
            Put(at.Select(i => $"text {i}"));

            void Put<T>(IEnumerable<T> values)
            {
                using var column = group.NextColumn().LogicalWriter<T>();
                column.WriteBatch([.. values]);
            }
        }
        writer.Close();
    }

    [Test]
    public void ColumnsAndListsAreRead([Values(Compression.Uncompressed, Compression.Snappy, Compression.Zstd, Compression.Gzip)] Compression compression)
    {
        Write(_folder["a.parquet"], compression: compression);
        using var scope = NewDisposeScope();
        using var file = ArrayFile.Open(_folder["a.parquet"]);
        var i = arange(21, ScalarType.Int64);
        var expected = new Dictionary<string, Tensor>
        {
            ["i"] = i.to(ScalarType.Int32),
            ["l"] = i * (1L << 33),
            ["f"] = i.to(ScalarType.Float32) / 3f,
            ["d"] = i.to(ScalarType.Float64) / 7,
            ["b"] = i.remainder(3) == 0,
            ["gaps"] = i.to(ScalarType.Float64).masked_fill(i.remainder(4) == 0, double.NaN),
            ["some"] = i.to(ScalarType.Float64).masked_fill(i.remainder(5) == 0, double.NaN),
            ["whole"] = i,
            ["u8"] = (i + 200).to(ScalarType.Byte),
            ["u16"] = (i + 60_000).to(ScalarType.Int32),
            ["u32"] = i + 4_000_000_000,
            ["u32gaps"] = (i + 4_000_000_000).to(ScalarType.Float64).masked_fill(i.remainder(5) == 0, double.NaN),
            ["lists"] = stack([i.to(ScalarType.Float32), i.to(ScalarType.Float32) + 0.5f], 1),
            ["tables"] = stack([i, ones_like(i), 2 * ones_like(i), 3 * ones_like(i), 4 * ones_like(i), i], 1).reshape(-1, 2, 3).to(ScalarType.Int32),
        };
        Assert.That(file.Arrays.Select(a => a.Name), Is.EquivalentTo(expected.Keys));
        Assert.Multiple(() =>
        {
            foreach (var (name, array) in expected)
            {
                var read = file.Read(name);
                Assert.That(file[name].Shape, Is.EqualTo(array.shape), name);
                Assert.That(read.dtype, Is.EqualTo(array.dtype).And.EqualTo(file[name].Dtype), name);
                Assert.That(ArrayFileTests.Same(read, array), name);
                ArrayFileTests.AssertRanges(file, file[name], array);
                // Across the bounds of a group.
                Assert.That(ArrayFileTests.Same(file.Read(name, 5, 11), array.narrow(0, 5, 11)), name);
            }
            Assert.That(() => file.Read("ragged"), Throws.ArgumentException.With.Message.Contains("various lengths"));
            Assert.That(() => file.Read("text"), Throws.ArgumentException.With.Message.Contains("ByteArray"));
        });
    }

    [Test]
    public void NoRowsAreNone()
    {
        Write(_folder["a.parquet"], groups: 0);
        using var scope = NewDisposeScope();
        using var file = ArrayFile.Open(_folder["a.parquet"]);
        Assert.That(file.Read("d").shape, Is.EqualTo(new long[] { 0 }));
    }

    [Test]
    public void LongRunsAreReadInPieces()
    {
        const int rows = 150_001;
        Write(_folder["a.parquet"], groups: 1, rows: rows);
        using var scope = NewDisposeScope();
        using var file = ArrayFile.Open(_folder["a.parquet"]);
        var lists = file.Read("lists", 140_000, 10_001);
        Assert.That(ArrayFileTests.Same(lists.select(1, 0), arange(140_000, rows, ScalarType.Float32)));
        Assert.That(file.Read("l", rows - 1, 1).item<long>(), Is.EqualTo((rows - 1L) << 33));
    }
}
