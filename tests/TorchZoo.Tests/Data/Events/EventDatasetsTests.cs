using NUnit.Framework;
using TorchZoo.Data.Events;
using TorchZoo.Data.Sources;
using TorchZoo.Testing;
using static TorchSharp.torch;
using static TorchZoo.Tests.Data.Events.AedatBytes;

namespace TorchZoo.Tests.Data.Events;

public class EventDatasetsTests
{
    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    private LabelledEvents Load(EventFraming framing, int? train = null, int? test = null) =>
        EventDatasets.Load(new DatasetSearch { Folder = _folder.Path }, framing, train, test);

    [Test]
    public void GesturesAreCutOutOfRecordings()
    {
        using var scope = NewDisposeScope();
        DvsGestureFolder.Write(_folder.Path);
        var data = Load(new EventFraming { Frames = 2 });
        Assert.Multiple(() =>
        {
            Assert.That(data.Title, Is.EqualTo("DVS128 Gesture"));
            Assert.That(data.ClassNames, Has.Count.EqualTo(11));
            Assert.That(data.Train.Targets.data<long>().ToArray(), Is.EqualTo(new long[] { 0, 1, 0, 1 }));
            Assert.That(data.Test.Targets.data<long>().ToArray(), Is.EqualTo(new long[] { 0, 1 }));
            Assert.That(data.Train.Inputs.shape, Is.EqualTo(new long[] { 4, 2, 2, 128, 128 }));
            // Gesture 1 has events in column 10, gesture 2 in column 20; none of the other's.
            Assert.That(data.Train.Inputs[0].sum().item<float>(), Is.EqualTo(8));
            Assert.That(data.Train.Inputs[0].select(3, 10).sum().item<float>(), Is.EqualTo(8));
            Assert.That(data.Train.Inputs[1].select(3, 20).sum().item<float>(), Is.EqualTo(data.Train.Inputs[1].sum().item<float>()));
            Assert.That(DvsGesture.IsIn(_folder.Path));
        });
    }

    [Test]
    public void AFolderForEachClassAsCifar10DvsHas()
    {
        using var scope = NewDisposeScope();
        foreach (var (label, name) in new[] { "cat", "airplane" }.Index())
        {
            Directory.CreateDirectory(_folder[name]);
            for (var i = 0; i < 20; i++)
                File.WriteAllBytes(Path.Combine(_folder[name], $"cifar10_{name}_{i}.aedat"),
                    [.. Header2, .. Event2((uint)i, (uint)(i << 8))]);
        }
        var data = Load(new EventFraming { Frames = 1, Split = EventSplit.Time });
        var few = Load(new EventFraming { Frames = 1 }, 4, 2);
        Assert.Multiple(() =>
        {
            Assert.That(data.ClassNames, Is.EqualTo(["airplane", "cat"]));
            Assert.That(data.Train.Count, Is.EqualTo(36));
            // The first tenth of each class tests; 2 comes before 10.
            Assert.That(Columns(data.Test.Inputs), Is.EqualTo(new long[] { 127, 126, 127, 126 }));
            Assert.That(Columns(data.Train.Inputs)[..9], Is.EqualTo(Enumerable.Range(2, 9).Select(i => 127L - i)));
            Assert.That(data.Test.Targets.data<long>().ToArray(), Is.EqualTo(new long[] { 0, 0, 1, 1 }));
            Assert.That(few.Train.Targets.data<long>().ToArray(), Is.EqualTo(new long[] { 0, 0, 1, 1 }), "of all classes");
            Assert.That(few.Test.Count, Is.EqualTo(2));
        });

        static long[] Columns(Tensor frames) => [.. Enumerable.Range(0, (int)frames.shape[0])
            .Select(i => frames[i].sum(new long[] { 0, 1, 2 }).argmax().item<long>())];
    }

    [Test]
    public void FoldersTrainAndTestOfArchives()
    {
        using var scope = NewDisposeScope();
        foreach (var (part, label) in new[] { ("train", 2), ("train", 10), ("test", 10) })
        {
            var folder = Directory.CreateDirectory(Path.Combine(_folder.Path, part, $"{label}")).FullName;
            EventFile.Save(Path.Combine(folder, "a.npz"), new EventStream([1], [(ushort)label], [0], [true], 128, 128));
        }
        var data = Load(new EventFraming { Frames = 1, Size = 32 });
        Assert.That(data.ClassNames, Is.EqualTo(["2", "10"]));
        Assert.That(data.Train.Targets.data<long>().ToArray(), Is.EqualTo(new long[] { 0, 1 }));
        Assert.That(data.Test.Targets.data<long>().ToArray(), Is.EqualTo(new long[] { 1 }));
        Assert.That(data.Test.Inputs.shape, Is.EqualTo(new long[] { 1, 1, 2, 32, 32 }));
    }

    [Test]
    public void WhatIsMissingIsNamed()
    {
        Assert.That(() => Load(new EventFraming()), Throws.TypeOf<DatasetNotFoundException>().With.Message.Contains("0 recordings"));
        Assert.That(() => EventDatasets.Load(new DatasetSearch { Folder = _folder["none"] }), Throws.TypeOf<DatasetNotFoundException>());
        Assert.That(() => EventDatasets.Load(new DatasetSearch { Cache = _folder.Path }),
            Throws.TypeOf<DatasetNotFoundException>().With.Message.Contains("--data"));
        Assert.That(() => Load(new EventFraming(), 0), Throws.InstanceOf<ArgumentException>());
        DvsGestureFolder.Write(_folder.Path);
        File.Delete(_folder["user01_led.aedat"]);
        Assert.That(() => Load(new EventFraming()), Throws.TypeOf<InvalidDataException>().With.Message.Contains("user01_led.aedat"));
        File.WriteAllText(_folder["trials_to_train.txt"], "../user01_led.aedat\n");
        Assert.That(() => Load(new EventFraming()), Throws.TypeOf<InvalidDataException>().With.Message.Contains("names of files"));
    }

    [TestCase("", "columns")]
    [TestCase("class,start,end\n", "columns")]
    [TestCase("class,startTime_usec,endTime_usec\n1,2\n", "line 2")]
    [TestCase("class,startTime_usec,endTime_usec\n\n1,2,x\n", "line 3")]
    [TestCase("class,startTime_usec,endTime_usec\n12,2,3\n", "from 1 to 11")]
    [TestCase("class,startTime_usec,endTime_usec\n1,3,2\n", "ends before")]
    public void DamagedTablesAreRefused(string text, string reason)
    {
        File.WriteAllText(_folder["a.csv"], text);
        Assert.That(() => DvsGesture.LoadLabels(_folder["a.csv"]), Throws.TypeOf<InvalidDataException>()
            .With.Message.StartsWith(_folder["a.csv"]).And.Message.Contains(reason));
    }
}
