using CsCheck;
using NUnit.Framework;
using TorchZoo.Reports;

namespace TorchZoo.Tests.Reports;

public class MetricsLogTests
{
    private string _path = null!;

    [SetUp]
    public void Open() => _path = Path.Combine(Directory.CreateTempSubdirectory("torchzoo").FullName, "metrics.jsonl");

    [TearDown]
    public void Close() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Test]
    public void ALineIsAnObject()
    {
        using (var log = new MetricsLog(_path)) log.Write(120, 2, KeyValuePair.Create("loss", 0.5), KeyValuePair.Create("lr", 0.003));
        Assert.That(File.ReadAllText(_path), Is.EqualTo("{\"step\":120,\"epoch\":2,\"loss\":0.5,\"lr\":0.003}\n"));
    }

    [Test]
    [Category("Property")]
    public void WhatIsWrittenIsRead() =>
        Gen.Select(Gen.Long[1, 1 << 40], Gen.Dictionary(Gen.String[1, 9].Select(s => "m" + s), Gen.Double)[0, 5])
            .Array[0, 20].Sample(lines =>
        {
            using (var log = new MetricsLog(_path))
                foreach (var (step, values) in lines) log.Write(step, 1, values);
            var read = MetricsLog.Read(_path);
            return read.Count == lines.Length && read.Zip(lines).All(p => p.First.Step == p.Second.Item1
                && p.First.Values.Count == p.Second.Item2.Count && p.Second.Item2.All(v => p.First.Values[v.Key].Equals(v.Value)));
        }, iter: 100, threads: 1);

    [Test]
    public void NumbersThatJsonLacksSurvive()
    {
        double[] values = [double.NaN, double.PositiveInfinity, double.NegativeInfinity, 0.1 + 0.2, double.Epsilon, -0.0];
        using (var log = new MetricsLog(_path))
            foreach (var value in values) log.Write(1, 1, KeyValuePair.Create("loss", value));
        Assert.That(MetricsLog.Read(_path).Select(r => r.Values["loss"]), Is.EqualTo(values));
    }

    [Test]
    public void ResumingDropsLaterStepsAndATornLine()
    {
        using (var log = new MetricsLog(_path))
            for (var step = 1; step <= 5; step++) log.Write(step, 1, KeyValuePair.Create("loss", 1.0 / step));
        File.AppendAllText(_path, "{\"step\":6,\"epo");
        using (var log = new MetricsLog(_path, resumeAt: 3)) log.Write(4, 2, KeyValuePair.Create("loss", 0.0));
        Assert.That(MetricsLog.Read(_path).Select(r => (r.Step, r.Epoch)), Is.EqualTo(new[] { (1L, 1L), (2, 1), (3, 1), (4, 2) }));
    }

    [Test]
    public void ResumingWithoutAFileBeginsOne()
    {
        using (var log = new MetricsLog(_path, resumeAt: 3)) log.Write(4, 1);
        Assert.That(MetricsLog.Read(_path), Has.Count.EqualTo(1));
    }

    [Test]
    public void ANewRunBeginsAnew()
    {
        using (var log = new MetricsLog(_path)) log.Write(1, 1);
        using (new MetricsLog(_path)) { }
        Assert.That(MetricsLog.Read(_path), Is.Empty);
    }

    [Test]
    public void FlushedLinesAreInTheFileWhileItIsOpen()
    {
        using var log = new MetricsLog(_path);
        log.Write(1, 1, KeyValuePair.Create("loss", 1.0));
        log.Flush();
        Assert.That(MetricsLog.Read(_path), Has.Count.EqualTo(1));
    }

    [Test]
    public void ADamagedLineIsNamed()
    {
        File.WriteAllText(_path, "{\"step\":1,\"epoch\":1}\nnonsense\n{\"step\":2,\"epoch\":1}\n");
        Assert.That(() => MetricsLog.Read(_path), Throws.TypeOf<InvalidDataException>().With.Message.Contains("line 2"));
    }

    [TestCase("")]
    [TestCase("step")]
    [TestCase("epoch")]
    public void TakenNamesAreRefusedAndNothingIsWritten(string name)
    {
        using (var log = new MetricsLog(_path))
            Assert.That(() => log.Write(1, 1, KeyValuePair.Create("loss", 1.0), KeyValuePair.Create(name, 1.0)), Throws.ArgumentException);
        Assert.That(File.ReadAllText(_path), Is.Empty);
    }
}
