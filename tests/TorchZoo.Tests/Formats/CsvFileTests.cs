using System.Globalization;
using System.Text;
using CsCheck;
using NUnit.Framework;
using TorchZoo.Data.Formats;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Formats;

public class CsvFileTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    [Test]
    public void ColumnsHaveTypes([Values(",", ";", "\t", "|")] string delimiter, [Values("\n", "\r\n")] string end, [Values] bool mark)
    {
        string[] lines = ["n,x,kind,gap", "1,0.5,cat,3", "-2,1e-3,dog,", "", "9223372036854775807,NaN,\"a \"\"b\"\", c\",4", "4,inf,?,NA"];
        var text = string.Join(end, lines).Replace(", c", "\u0001").Replace(",", delimiter).Replace("\u0001", $"{delimiter} c");
        File.WriteAllText(_folder["a.csv"], text, new UTF8Encoding(mark));
        using var scope = NewDisposeScope();
        using var file = ArrayFile.Open(_folder["a.csv"]);
        Assert.Multiple(() =>
        {
            Assert.That(file.Arrays.Select(a => a.Name), Is.EqualTo(new[] { "n", "x", "kind", "gap" }));
            Assert.That(file.Read("n").data<long>().ToArray(), Is.EqualTo(new[] { 1, -2, long.MaxValue, 4 }));
            Assert.That(file.Read("x").data<double>().ToArray(), Is.EqualTo(new[] { 0.5, 1e-3, double.NaN, double.PositiveInfinity }));
            Assert.That(file["kind"].Categories, Is.EqualTo(new[] { $"a \"b\"{delimiter} c", "cat", "dog" }));
            Assert.That(file.Read("kind").data<long>().ToArray(), Is.EqualTo(new long[] { 1, 2, 0, -1 }));
            Assert.That(file.Read("gap").data<double>().ToArray(), Is.EqualTo(new[] { 3, double.NaN, 4, double.NaN }));
            foreach (var array in file.Arrays) ArrayFileTests.AssertRanges(file, array, file.Read(array.Name));
            var table = ((CsvFile)file).ReadTable(["n", "gap"], 0, 1);
            Assert.That(table.data<double>().ToArray(), Is.EqualTo(new[] { 1.0, 3 }));
        });
    }

    [Test]
    public void ATableOfNumbersHasNoHeader()
    {
        File.WriteAllText(_folder["a.csv"], "1,2\n3,4\n");
        using var scope = NewDisposeScope();
        using var guessed = ArrayFile.Open(_folder["a.csv"]);
        using var told = CsvFile.Open(_folder["a.csv"], new CsvOptions { HasHeader = true });
        using var undivided = CsvFile.Open(_folder["a.csv"], new CsvOptions { Delimiter = ';' });
        Assert.Multiple(() =>
        {
            Assert.That(guessed.Read("1").data<long>().ToArray(), Is.EqualTo(new long[] { 2, 4 }));
            Assert.That(told.Read("2").data<long>().ToArray(), Is.EqualTo(new long[] { 4 }));
            Assert.That(undivided.Arrays.Single().Categories, Is.EqualTo(new[] { "3,4" }));
        });
    }

    [Test, Category("Property")]
    public void AnyRowsAreFoundAgain() => Gen.Select(Gen.Int[1, 5000], Gen.Int[0, 1000], Gen.Long).Sample((rows, share, seed) =>
    {
        using var scope = NewDisposeScope();
        var random = new Random((int)seed);
        var numbers = Enumerable.Range(0, rows).Select(_ => random.NextDouble()).ToArray();
        // Texts with line ends and quotes in between, which must not be taken for rows.
        File.WriteAllLines(_folder["a.csv"], numbers.Select((n, i) => string.Create(CultureInfo.InvariantCulture, $"{i},{n:R},\"{(i % 3 == 0 ? "x\ny\"\"" : "z")}\"")).Prepend("i,x,t"));
        using var file = ArrayFile.Open(_folder["a.csv"]);
        var first = (long)rows * share / 1001;
        var count = Math.Min(rows - first, 1500);
        Assert.That(file["t"].Rows, Is.EqualTo(rows));
        Assert.That(file.Read("i", first, count).data<long>().ToArray(), Is.EqualTo(Enumerable.Range((int)first, (int)count).Select(i => (long)i)));
        Assert.That(file.Read("x", first, count).data<double>().ToArray(), Is.EqualTo(numbers[(int)first..(int)(first + count)]));
    }, iter: 25, threads: 1);

    [TestCase("", "nothing")]
    [TestCase("a,b\n1,2\n3\n", "row 1 (from 0) has 1 columns, expected 2")]
    [TestCase("a,b\n1,2,3\n", "has 3 columns")]
    [TestCase("a,a\n1,2\n", "two arrays are called 'a'")]
    [TestCase("a,b\n1,\"2\n", "quote")]
    public void DamageIsSaid(string text, string message)
    {
        File.WriteAllText(_folder["a.csv"], text);
        Assert.That(() => ArrayFile.Open(_folder["a.csv"]),
            Throws.InstanceOf<InvalidDataException>().With.Message.StartsWith(_folder["a.csv"]).And.Message.Contains(message));
    }

    [Test]
    public void OtherEncodingsAreRefused()
    {
        File.WriteAllText(_folder["a.csv"], "a,b\n1,2\n", Encoding.Unicode);
        Assert.That(() => ArrayFile.Open(_folder["a.csv"]), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("UTF-16"));
        File.WriteAllText(_folder["b.csv"], "a,b\nü,2\n", Encoding.Latin1);
        Assert.That(() => ArrayFile.Open(_folder["b.csv"]), Throws.InstanceOf<InvalidDataException>());
        Assert.That(() => CsvFile.Open(_folder["a.csv"], new CsvOptions { Delimiter = '"' }), Throws.ArgumentException);
    }
}
